// Records a face while it does what the server asks, and gives the frames back. Nothing is kept here.
const box = document.getElementById("capture");
const words = JSON.parse(box.dataset.words);
const say = document.getElementById("capture-say");
const view = document.getElementById("capture-view");
const light = document.getElementById("capture-light");
const go = document.getElementById("capture-go");
const COLOURS = { red: "#f00", green: "#0f0", blue: "#00f" };
const EVERY = 100;
const QUALITY = 0.85;

const here = location.pathname;

async function opened() {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } },
  });
  view.srcObject = stream;
  view.hidden = false;
  await view.play();
  return stream;
}

/** One frame as JPEG, at most 320 pixels wide. */
function frame(canvas) {
  const scale = Math.min(1, 320 / view.videoWidth);
  canvas.width = Math.round(view.videoWidth * scale);
  canvas.height = Math.round(view.videoHeight * scale);
  canvas.getContext("2d").drawImage(view, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

function show(deed) {
  const colour = COLOURS[deed];
  light.hidden = !colour;
  light.style.backgroundColor = colour ?? "";
  say.textContent = words[colour ? "light" : deed];
}

/** Shows each step for its time and takes frames meanwhile: `[milliseconds, picture]`. */
async function recorded(steps) {
  const canvas = document.createElement("canvas");
  const frames = [];
  let shown = -1;
  const begun = performance.now();
  let end = 0;
  for (const { deed, ms } of steps) {
    end += ms;
    show(deed);
    for (let now = performance.now() - begun; now < end; now = performance.now() - begun) {
      // A slow camera gives a frame less often than it is asked.
      const fresh = view.currentTime !== shown;
      shown = view.currentTime;
      const picture = fresh ? await frame(canvas) : null;
      if (picture) frames.push([Math.round(now), picture]);
      const rest = EVERY - (performance.now() - begun - now);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(rest, end - now))));
    }
  }
  light.hidden = true;
  return frames;
}

const text = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));

/** What a device has to sign: the server's nonce, and of each frame its time and the sum of its bytes. */
async function challenge(nonce, frames) {
  const parts = [new TextEncoder().encode("liuhen/capture-device/v1"), bytes(nonce)];
  for (const [ms, picture] of frames) {
    const time = new Uint8Array(4);
    new DataView(time.buffer).setUint32(0, ms);
    parts.push(time, await sha256(await picture.arrayBuffer()));
  }
  return sha256(await new Blob(parts).arrayBuffer());
}

/** Has a registered device of this person sign the frames; nothing where there is none or it does not. */
async function signed({ nonce, keys, timeout }, frames) {
  if (!keys.length || !navigator.credentials || !crypto.subtle) return null;
  say.textContent = words.sign;
  try {
    const key = await navigator.credentials.get({
      publicKey: {
        challenge: await challenge(nonce, frames),
        allowCredentials: keys.map((id) => ({ type: "public-key", id: bytes(id) })),
        userVerification: "required",
        timeout,
      },
    });
    const { clientDataJSON, authenticatorData, signature } = key.response;
    return JSON.stringify({
      credential: text(key.rawId),
      client_data: text(clientDataJSON),
      authenticator_data: text(authenticatorData),
      signature: text(signature),
    });
  } catch {
    return null;
  }
}

async function answered(path, body) {
  const answer = await fetch(here + path, { method: "POST", body });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function run() {
  go.disabled = true;
  let stream;
  try {
    stream = await opened();
  } catch {
    say.textContent = words.no_camera;
    go.disabled = false;
    return;
  }
  try {
    const { steps, device } = await answered("/begin");
    go.hidden = true;
    const frames = await recorded(steps);
    const signature = await signed(device, frames);
    const form = new FormData();
    form.append("camera", stream.getVideoTracks()[0]?.label ?? "");
    for (const [ms, picture] of frames) form.append(String(ms), picture, "frame.jpg");
    if (signature) form.append("device", signature);
    say.textContent = words.sending;
    const { says } = await answered("/frames", form);
    box.dataset.says = says;
    say.textContent = words[says];
  } catch {
    box.dataset.says = "failed";
    say.textContent = words.failed;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    view.hidden = true;
    light.hidden = true;
  }
}

go.addEventListener("click", run);
