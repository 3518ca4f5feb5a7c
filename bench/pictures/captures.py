"""What was measured before parts of a capture were built or left out (docs/capture.md).

    pip install numpy opencv-python-headless onnxruntime
    python3 bench/pictures/captures.py MODELS PICTURE... [--liveness fr_liveness.onnx]

MODELS is a folder with the YuNet that `liuhen models install` fetches. PICTURE are portraits of one
person each. Frames are made of them as a photograph held before a camera of 640 by 480 pixels, or
fed in its place, comes out of our page: moved, turned as a plane, lit, blurred, with noise, shrunk
to 320 columns, JPEG at 85. Nothing here moves a face within its picture: no person who does
anything is among these, so none of it says how often people would be accused.
"""

import argparse
import collections
import pathlib

import cv2
import numpy as np

RNG = np.random.default_rng(2)
PERIODS = {"8 pixels": 8, "4 pixels": 4, "16/3": 16 / 3, "32/3": 32 / 3}


def jpeg(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def noisy(picture, sigma):
    return np.clip(picture + RNG.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


class Finder:
    def __init__(self, models):
        found = pathlib.Path(models) / "face_detection_yunet_2023mar_int8bq.onnx"
        self.net = cv2.FaceDetectorYN.create(str(found), "", (320, 320), 0.6)

    def one(self, picture):
        """The box and five landmarks of the one face, or None."""
        self.net.setInputSize((picture.shape[1], picture.shape[0]))
        faces = self.net.detect(picture)[1]
        return None if faces is None or len(faces) != 1 else faces[0]


def portraits(finder, paths):
    for path in sorted(paths):
        picture = cv2.imread(str(path))
        scale = min(1, 800 / max(picture.shape[:2]))
        face = finder.one(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        if face is not None:
            yield pathlib.Path(path).name, picture, face[:4] / scale


def held(picture, box, turn=(0.0, 0.0), by=(0.0, 0.0), size=(640, 480)):
    """A portrait as a plane before a camera, its face half as high as the frame."""
    width, height = size
    zoom = height * 0.5 / box[3]
    middle = box[:2] + box[2:] / 2
    corners = np.float32([[-1.5, -1], [1.5, -1], [1.5, 1], [-1.5, 1]]) * box[2:]
    x, y = (corners * zoom).T
    far = 10 * box[2] * zoom
    away = x * np.sin(turn[0]) + y * np.sin(turn[1])
    seen = np.stack([x * np.cos(turn[0]), y * np.cos(turn[1])], 1) * (far / (far + away))[:, None]
    seen = (seen + [width / 2 + by[0], height / 2 + by[1]]).astype(np.float32)
    # What is shrunk is smoothed first, so that the portrait's own grid and noise are gone.
    smooth = 0.5 * (1 / zoom - 1)
    picture = cv2.GaussianBlur(picture, (0, 0), smooth) if smooth > 0.3 else picture
    map_ = cv2.getPerspectiveTransform((corners + middle).astype(np.float32), seen)
    return cv2.warpPerspective(picture, map_, size, borderMode=cv2.BORDER_REPLICATE)


def sent(picture, light=1.0, blur=0.0, noise=2.0):
    """A camera's frame as our page sends it."""
    lit = picture.astype(np.float32) * light
    lit = cv2.GaussianBlur(lit, (0, 0), blur) if blur else lit
    return jpeg(cv2.resize(noisy(lit, noise), (320, 240), interpolation=cv2.INTER_LINEAR), 85)


def swing(most):
    return RNG.choice([-1, 1]) * most


# Eyes and mouth beyond the rest of the face.

UPRIGHT = np.float32([[30, 36], [66, 36], [48, 56], [33, 76], [63, 76]])
PLACES = {
    "right eye": (18, 28, 42, 44),
    "left eye": (54, 28, 78, 44),
    "mouth": (28, 66, 68, 90),
    "right cheek": (14, 50, 34, 68),
    "left cheek": (62, 50, 82, 68),
    "bridge": (40, 28, 56, 50),
}


def upright(finder, frame):
    face = finder.one(frame)
    map_ = None if face is None else cv2.estimateAffine2D(face[4:14].reshape(5, 2), UPRIGHT)[0]
    if map_ is None:
        return None
    return cv2.cvtColor(cv2.warpAffine(frame, map_, (96, 112)), cv2.COLOR_BGR2GRAY).astype(np.float32)


def change(one, other):
    """What is left between two patches without shift, brightness and contrast, of what they show."""
    height, width = one.shape
    still = one[2:-2, 2:-2] - one[2:-2, 2:-2].mean()
    left = []
    for dy in range(5):
        for dx in range(5):
            moved = other[dy : dy + height - 4, dx : dx + width - 4]
            moved = moved - moved.mean()
            gain = (still * moved).sum() / max((moved * moved).sum(), 1e-6)
            left.append(np.abs(still - gain * moved).mean())
    return min(left) / (np.abs(still).mean() + 4)


def over_the_rest(now, before):
    changes = {}
    for name, (x0, y0, x1, y1) in PLACES.items():
        each = [change(face[y0:y1, x0:x1], before[y0:y1, x0:x1]) for face in now]
        changes[name] = np.median(each)
    rest = max(changes["right cheek"], changes["left cheek"], changes["bridge"])
    eyes = min(changes["right eye"], changes["left eye"])
    return changes["mouth"] / rest, eyes / rest


def features(finder, people):
    print("change of mouth and of both eyes over the most of cheeks and bridge: half, 95%, 99%, all below")
    kinds = {
        "held": {},
        "turned 20 degrees": {"turn": 0.35},
        "lit by colours": {"light": 0.25},
        "blurred by 1.5 pixels": {"blur": 1.5},
        "noise of 6 steps": {"noise": 6.0},
        "turned, lit, blurred, noise of 4": {"turn": 0.35, "light": 0.25, "blur": 1.0, "noise": 4.0},
    }
    for kind, how in kinds.items():
        rows = []
        for _, picture, box in people:
            for _ in range(6):
                def one(changed):
                    turn = how.get("turn", 0) if changed else 0
                    light = 1 + (how.get("light", 0) if changed else 0) * RNG.uniform(-1, 1, 3)
                    plane = held(picture, box, (swing(turn), swing(turn / 2)), RNG.uniform(-4, 4, 2))
                    blur = how.get("blur", 0) if changed else 0
                    return upright(finder, sent(plane, light, blur, how.get("noise", 2.0)))

                before = [face for face in (one(False) for _ in range(3)) if face is not None]
                now = [face for face in (one(True) for _ in range(5)) if face is not None]
                if before and now:
                    rows.append(over_the_rest(now, np.median(before, 0)))
        for name, at in (("mouth", 0), ("eyes", 1)):
            below = np.percentile(np.array(rows)[:, at], [50, 95, 99, 100])
            print(f"  {kind:34} {name:6}", *(f"{one:5.2f}" for one in below))


# Grids of an earlier compression.


def grid(grey, period):
    """How far a grid of a period stands out of the differences of neighbours."""
    out = []
    for axis in (0, 1):
        steps = np.abs(np.diff(grey.astype(np.float32), axis=axis)).mean(axis=1 - axis)
        steps = steps - np.convolve(np.pad(steps, 8, "edge"), np.ones(17) / 17, "valid")
        power = np.abs(np.fft.rfft(steps * np.hanning(len(steps)), len(steps) * 8))
        at = round(len(steps) * 8 / period)
        out.append(power[at - 2 : at + 3].max() / np.median(power[max(0, at - 200) : at + 200]))
    return max(out)


def sources(picture, box):
    def plane(size):
        return noisy(held(picture, box, (0, 0), RNG.uniform(-5, 5, 2), size), 2)

    yield "camera, not compressed", plane((640, 480))
    for quality in (90, 75, 50):
        yield f"camera by MJPEG at {quality}, or such a file", jpeg(plane((640, 480)), quality)
    for quality in (90, 75, 50):
        frame = jpeg(plane((1280, 960)), quality)
        yield f"file of 1280 columns at {quality}, shrunk", cv2.resize(frame, (640, 480))
    for quality in (90, 75, 50):
        frame = jpeg(plane((480, 360)), quality)
        yield f"file of 480 columns at {quality}, enlarged", cv2.resize(frame, (640, 480))


def traces(people):
    print("share above the 99% of uncompressed frames: as sent, unscaled crop, that crop as JPEG at 95")
    found = collections.defaultdict(list)
    for _ in range(12):
        for _, picture, box in people:
            for kind, frame in sources(picture, box):
                small = jpeg(cv2.resize(frame, (320, 240)), 85)
                crops = small, frame[120:376, 192:448], jpeg(frame[121:377, 193:449], 95)
                greys = [cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops]
                for name, period in PERIODS.items():
                    found[name, kind].append([grid(grey, period) for grey in greys])
    for name in PERIODS:
        kinds = [kind for period, kind in found if period == name]
        most = np.percentile(found[name, kinds[0]], 99, axis=0)
        for kind in kinds:
            above = (np.array(found[name, kind]) > most).mean(axis=0) * 100
            print(f"  grid of {name:9} {kind:42}", *(f"{one:4.0f}%" for one in above))


# Noise that does not change.


def left_over(one, other):
    one, other = (cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32) for frame in (one, other))
    map_ = np.eye(2, 3, dtype=np.float32)
    how = (3, 60, 1e-5)
    try:
        map_ = cv2.findTransformECC(one, other, map_, cv2.MOTION_AFFINE, how, None, 5)[1]
    except cv2.error:
        return None
    other = cv2.warpAffine(other, map_, (320, 240), flags=cv2.INTER_LINEAR + cv2.WARP_INVERSE_MAP)
    fine = [frame - cv2.GaussianBlur(frame, (0, 0), 2) for frame in (one, other)]
    return np.abs(fine[0] - fine[1])[70:170, 110:210].mean()


def noise(people):
    print("fine difference of two frames laid upon each other, in steps of 255: 1%, half, 99% below")
    for name, sigma in (("a file fed in, moved, no noise", 0), ("noise of 1", 1), ("of 2", 2), ("of 4", 4)):
        rows = []
        for _, picture, box in people:
            for _ in range(6):
                def one():
                    turn = RNG.uniform(-0.1, 0.1, 2)
                    return sent(held(picture, box, turn, RNG.uniform(-2, 2, 2)), noise=sigma)

                rows.append(left_over(one(), one()))
        rows = [row for row in rows if row is not None]
        print(f"  {name:34}", *(f"{one:5.2f}" for one in np.percentile(rows, [1, 50, 99])))


# The opt-in network.


def liveness(finder, people, path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)

    def live(frame, box):
        height, width = frame.shape[:2]
        scale = min(2.7, (width - 1) / box[2], (height - 1) / box[3])
        size = box[2:] * scale
        corner = np.clip(box[:2] + box[2:] / 2 - size / 2, 0, np.maximum([width - 1, height - 1] - size, 0))
        (x0, y0), (x1, y1) = corner.astype(int), (corner + size).astype(int)
        crop = cv2.cvtColor(cv2.resize(frame[y0:y1, x0:x1], (128, 128)), cv2.COLOR_BGR2RGB)
        out = session.run(None, {"input": crop.astype(np.float32).transpose(2, 0, 1)[None]})[0][0]
        powers = np.exp(out - out.max())
        return powers[0] / powers.sum()

    def card(picture, box):
        """The portrait as a card before a wall, its edges within the frame."""
        wall = noisy(np.full((picture.shape[0] * 2, picture.shape[1] * 2, 3), 90, np.uint8), 2)
        x0, y0 = np.maximum(box[:2] - [0.6 * box[2], 0.5 * box[3]], 0).astype(int)
        x1, y1 = (box[:2] + [1.6 * box[2], 1.5 * box[3]]).astype(int)
        print_ = picture[y0:y1, x0:x1]
        top, left = (np.array(wall.shape[:2]) - print_.shape[:2]) // 2
        wall[top : top + print_.shape[0], left : left + print_.shape[1]] = print_
        smaller = box[2:] / 0.6
        middle = np.array([left - x0, top - y0]) + box[:2] + box[2:] / 2
        return wall, np.concatenate([middle - smaller / 2, smaller])

    print("score of each portrait, the middle of 8 frames, sorted")
    kinds = {
        "fed in": {},
        "turned 20 degrees": {"turn": 0.35},
        "blurred by 1.5 pixels": {"blur": 1.5},
        "noise of 6 steps": {"noise": 6.0},
        "room at 0.4 of its light": {"light": 0.4, "noise": 3.0},
        "a card before a wall": {"turn": 0.2, "card": True},
    }
    for kind, how in kinds.items():
        scores = []
        for _, picture, box in people:
            shown, where = card(picture, box) if "card" in how else (picture, box)
            seen = []
            for _ in range(8):
                plane = held(shown, where, (swing(how.get("turn", 0)), 0), RNG.uniform(-4, 4, 2))
                frame = sent(plane, how.get("light", 1.0), how.get("blur", 0), how.get("noise", 2.0))
                face = finder.one(frame)
                if face is not None:
                    seen.append(live(frame, np.maximum(face[:4], 0)))
            scores += [np.median(seen)] if seen else []
        print(f"  {kind:26}", *(f"{score:5.3f}" for score in sorted(scores)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--liveness")
    args = parser.parse_args()
    cv2.setLogLevel(2) if hasattr(cv2, "setLogLevel") else None
    finder = Finder(args.models)
    people = list(portraits(finder, args.pictures))
    print(len(people), "portraits")
    features(finder, people)
    traces(people)
    noise(people)
    if args.liveness:
        liveness(finder, people, args.liveness)


main()
