"""Invented names, addresses and organisations for the generator. Nobody here exists."""
import os, random, re
from common import RULES

R = random


def _surnames():
    lines = [l.strip() for l in open(os.path.join(RULES, "surnames.txt"), encoding="utf8") if not l.startswith("#")]
    return list(lines[0]), list(lines[1]), lines[-1].split()


COMMON, RARE, COMPOUND = _surnames()
GIVEN = ("伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰红梅建国文斌波辉鹏飞宇浩轩子涵梓欣怡雨桐诗琪佳颖晨曦思源嘉豪俊熙天"
         "佑一诺可馨若汐紫萱雅婷雪莹晓东晓燕志远志明海燕海涛春花春生秋菊冬梅国庆建军新民永福长贵德胜光荣宏伟立新丹云龙凤凯旋博学睿智"
         "泽宇承泽奕辰沐阳星辰艺涵美玲翠萍淑珍凤英金凤银花玉梅素芬惠兰月娥彩霞小红大伟振华振国学军向阳少华世杰家伟家豪冠宇彦霖承恩"
         "启航景行知远清扬慕白怀瑾望舒亦菲梦洁梦瑶莉莎珊瑞祥福生根宝阿强爱民爱国卫东卫红跃进援朝胜利解放和平庆丰来顺水生火旺木林森鑫"
         "淼焱垚琛珏瑾瑜璐瑶琳琅琪珂珺玥玮玲珍珠钰铭锐锋钧鑫铮楠柏松枫桦榕樱菲蓉莲荷菊萍苹薇蕾蓓芸芷若兮熠煜炜烨灿晟昊旻昕昱晗晞晔")
OFFICES = ("先生 女士 老师 小姐 医生 大夫 护士 主任 经理 总 师傅 同学 阿姨 叔叔 哥 姐 律师 教授 队长 局长 处长 科长 校长 院长 主管 店长 工 "
           "警官 书记 会计 教练 班长 助理 导师 医师 总监 董事长 爸爸 妈妈 家长").split()
MORE_OFFICES = ("大爷 大妈 奶奶 爷爷 伯伯 大叔 嫂 太太 夫人 老板 老总 部长 市长 县长 镇长 乡长 村长 社长 站长 所长 厂长 连长 院士 博士 法官 检察官 将军 "
                "副主任 副校长 副教授 副局长 副总 工程师 支书 班主任 机长 船长 设计师 代表 委员 常委 秘书 记者 编辑 导演 前台 客服 主播 中介 房东 顾问 法师 道长 哥哥 姐姐").split()
FOREIGN = "阿 艾 安 巴 贝 布 查 达 德 多 尔 菲 弗 格 哈 赫 卡 科 克 拉 莱 兰 雷 里 林 卢 罗 马 麦 米 莫 姆 纳 尼 诺 帕 佩 普 乔 切 萨 塞 沙 史 斯 塔 泰 特 托 瓦 维 沃 西 夏 谢 伊 扎 兹 伯 顿 森 曼 丝 娜 莎 妮".split()
UIGHUR = "阿卜杜 买买提 古丽 艾力 热依汗 努尔 帕提古丽 迪丽 阿依 玉素甫 艾尔肯 吐尔逊 依明 库尔班 阿迪力 买合木提 热合曼 图尔荪 萨迪尔 尼亚孜 克里木 巴哈尔 沙依提 木拉提 哈力克 塔依尔".split()
TIBETAN = "扎西 卓玛 次仁 多吉 央金 旺堆 平措 格桑 丹增 德吉 尼玛 达瓦 边巴 拉姆 顿珠 罗布 洛桑 白玛 曲珍 仁青 才让 索南 桑吉 措姆".split()
MONGOL = "巴特尔 其其格 乌云 苏日娜 格日勒 宝音 那仁 阿古拉 哈斯 娜仁托娅 图雅 朝鲁 额尔敦 斯琴 呼和 萨仁 布仁 特木尔".split()


def surname():
    x = R.random()
    if x < 0.80:
        return COMMON[min(int(R.expovariate(1 / 40)), len(COMMON) - 1)]
    if x < 0.93:
        return R.choice(RARE)
    return R.choice(COMPOUND)


def given(n=None):
    n = n or R.choices([1, 2], [0.28, 0.72])[0]
    if R.random() < 0.04:
        return "".join(chr(R.randint(0x4E00, 0x9FA5)) if R.random() < 0.3 else R.choice(GIVEN) for _ in range(n))
    if n == 2 and R.random() < 0.06:
        return R.choice(GIVEN) * 2
    return "".join(R.choice(GIVEN) for _ in range(n))


def part(a, b):
    return "".join(R.choice(FOREIGN) for _ in range(R.randint(a, b)))


def transliterated():
    return part(2, 4) if R.random() < 0.4 else dotted()


def dotted():
    """Names with a dot in the middle, foreign or of Turkic peoples."""
    dot = R.choice("····•‧・")
    if R.random() < 0.4:
        first = R.choice(UIGHUR) + (R.choice(UIGHUR) if R.random() < 0.25 else "")
        return first + dot + R.choice(UIGHUR)
    x = R.random()
    if x < 0.12:
        return R.choice("ABCDEGHJKLMRSTW") + R.choice(["·", ".", "・"]) + part(2, 4)
    return part(1, 4) + dot + (part(1, 3) + dot if x < 0.25 else "") + part(2, 4)


def minority():
    x = R.random()
    if x < 0.45:
        a, b = R.choice(UIGHUR), R.choice(UIGHUR)
        return a + R.choice(["·", "·", "•", "‧"]) + b
    if x < 0.8:
        return "".join(R.sample(TIBETAN, R.choice([1, 2, 2, 2])))
    return R.choice(MONGOL)


def full_name():
    x = R.random()
    if x < 0.90:
        return surname() + given()
    if x < 0.93:
        return surname() + R.choice(COMMON[:60]) + given(1 + (R.random() < 0.3))
    if x < 0.97:
        return minority()
    return transliterated()


def short_name():
    """How people are called in chats: 小王, 老李, 阿强, X某, and given names alone."""
    s = R.choice(COMMON[:90])
    return R.choice([lambda: s + "某", lambda: s + "某某", lambda: s + "某" + R.choice(GIVEN), lambda: "小" + s, lambda: "老" + s,
                     lambda: "阿" + R.choice(GIVEN), lambda: s + "某", lambda: surname() + "X" * R.randint(1, 2), lambda: s + "*" * R.randint(1, 2)])()


def nickname():
    """What friends and colleagues say: 小王, 老李, 大刘, 阿强, 小芳, 婷婷, and given names alone."""
    s, x = R.choice(COMMON[:150]), R.random()
    if x < 0.34:
        return "小" + s
    if x < 0.58:
        return "老" + s
    if x < 0.62:
        return "大" + s
    if x < 0.70:
        return "阿" + R.choice(GIVEN)
    if x < 0.76:
        return "小" + R.choice(GIVEN)
    if x < 0.84:
        return R.choice(GIVEN) * 2
    return R.choice(GIVEN) + R.choice(GIVEN)


def _regions():
    rows = []
    for line in open(os.path.join(RULES, "regions.tsv"), encoding="utf8"):
        if not line.startswith("#"):
            code, name, *rest = line.rstrip("\n").split("\t")
            rows.append((code, name, len(rest) > 1 and rest[1] != ""))
    current = {c: n for c, n, old in rows if not old}
    out = []
    for code, name in current.items():
        if code.endswith("00") or code[:2] + "0000" not in current:
            continue
        province, city = current[code[:2] + "0000"], current.get(code[:4] + "00", "")
        out.append((province, "" if city in ("市辖区", "县") else city, name))
    return [r for r in out if r[2] not in ("市辖区",)]


REGIONS = _regions()
PROVINCES, CITIES, COUNTIES = sorted({r[0] for r in REGIONS}), sorted({r[1] for r in REGIONS if r[1]}), sorted({r[2] for r in REGIONS})
STEM = ("人民 解放 中山 建设 和平 文化 新华 胜利 友谊 长江 黄河 珠江 天河 东风 朝阳 迎宾 滨江 滨海 湖滨 学府 科技 创业 金融 工业 商业 体育 "
        "延安 南京 北京 上海 汉中 淮海 西湖 环城 环湖 二七 五一 八一 文三 翠湖 锦绣 龙腾 凤凰 紫金 金桂 银杏 梧桐 桃源 枫林 碧水 青山 白云 "
        "玉兰 莲花 荷塘 柳林 石桥 张家 李家 王家 赵家 新塘 古塘 沙河 清河 小营 大石 三里 四季 五星 六和 七里 八角 九龙 十里 望江 临江 沿河 "
        "幸福 吉祥 如意 富强 民主 光明 阳光 星光 月亮 彩虹 丽景 御景 美景 华府 名都 国际 世纪 时代 未来 都市 香樟 御龙 盛世 万达 恒信 中海 绿洲 "
        "花溪 云溪 竹溪 梅溪 兰亭 芳草 春晓 秋实 海棠 丁香 紫荆 木棉 榕树 凤起 龙翔 虎山 鹿鸣 鹤鸣 双桥 单桥 长桥 高桥 平安 永安 永兴 复兴 振兴").split()
DIGIT = "一二三四五六七八九十"


def stem():
    return R.choice(STEM) if R.random() < 0.75 else "".join(R.choice(GIVEN + "山水河湖江海桥塘湾岭坪坝沟坡洲岛") for _ in range(2))


def number(low=1, high=999):
    return str(R.randint(low, high))


def shorten(name):
    if len(name) <= 2 or R.random() < 0.6:
        return name
    return re.sub("(特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$", "", name)


def road():
    tail = R.choice(["路", "路", "路", "街", "大道", "大街", "巷", "弄", "胡同", "道", "东路", "西路", "南路", "北路", "中路", "一路", "二街", "支路"])
    return stem() + tail


def estate():
    return stem() + R.choice(["花园", "小区", "家园", "苑", "公寓", "新村", "山庄", "府", "城", "广场", "大厦", "名苑", "华庭", "嘉园", "里", "佳苑", "国际", "公馆", "雅苑", "新城", "湾"])


def town():
    return stem() + R.choice(["街道", "镇", "镇", "乡", "街道办事处"])


def village():
    return R.choice([stem(), surname() + "家", R.choice(["上", "下", "东", "西", "大", "小", "前", "后"]) + stem()[:1]]) + R.choice(["村", "村", "庄", "屯", "寨", "社区", "村委会"])


def room():
    b, u, f, n = R.randint(1, 48), R.randint(1, 6), R.randint(1, 33), R.randint(1, 6)
    flat = "%d%02d" % (f, n)
    return R.choice([
        lambda: "%d栋%d单元%s室" % (b, u, flat), lambda: "%d号楼%s" % (b, flat), lambda: "%d幢%s室" % (b, flat), lambda: "%d-%d-%s" % (b, u, flat),
        lambda: "%d座%s" % (b, flat), lambda: "%s座%d层%s" % (R.choice("ABCDEF"), f, flat), lambda: "%d栋%s" % (b, flat), lambda: "%d号楼%d单元%d层%s" % (b, u, f, flat),
        lambda: "%s栋%s单元%s" % (DIGIT[b % 10], DIGIT[u], flat), lambda: "%s室" % flat, lambda: "%d期%d栋%s" % (u, b, flat), lambda: "%d门%s" % (u, flat), lambda: "%s座%s室" % (R.choice("ＡＢＣ"), flat),
        lambda: "%d楼" % f, lambda: "%d号楼%d楼%s" % (b, f, R.choice(["", "东户", "西户", "左手边第一间"]))])()


def street_part():
    x = R.random()
    if x < 0.30:
        return road() + number() + "号" + (estate() if R.random() < 0.5 else "") + (room() if R.random() < 0.8 else "")
    if x < 0.42:
        return road() + number() + R.choice(["弄", "号院", "巷"]) + number(1, 60) + "号" + (room() if R.random() < 0.7 else "")
    if x < 0.62:
        return estate() + room()
    if x < 0.70:
        return road() + R.choice(["与", "和"]) + road() + R.choice(["交叉口", "交汇处", "路口"]) + R.choice(["", "", "东南角", "往北%s米" % number(50, 500)])
    if x < 0.82:
        return village() + R.choice(["", number(1, 20) + "组", number(1, 12) + "组" + number(1, 99) + "号", number(1, 300) + "号", R.choice(DIGIT) + "组", R.choice(DIGIT) + "队"])
    if x < 0.92:
        return road() + number() + "号" + R.choice([lambda: organisation(), lambda: stem() + R.choice(["超市", "便利店", "菜鸟驿站", "酒店", "工业园", "科技园"])])() + R.choice(["", "", "%d号楼" % R.randint(1, 9), "门口", "%s栋%d楼" % (R.choice("ABCD"), R.randint(2, 20))])
    return estate() + R.choice(["", "北门", "南门", "东门", "快递柜", "物业", "菜鸟驿站", "门卫室"])


def address():
    province, city, county = R.choice(REGIONS)
    x = R.random()
    gap = R.choice(["", "", "", "", "", " "])
    if x < 0.5:
        parts = [shorten(province), "" if city == province else shorten(city) if city else "", county]
        if not city and R.random() < 0.6:
            parts[0] = province + (province if R.random() < 0.4 else "")
    elif x < 0.7:
        parts = [shorten(city) if city else shorten(province), county]
    elif x < 0.85:
        parts = [county]
    else:
        parts = []
    if R.random() < 0.45:
        parts.append(town())
    y = R.random()
    if y < 0.93 or not parts:
        parts.append(street_part())
    return gap.join(p for p in parts if p)


PLACES = ("美国 日本 韩国 英国 法国 德国 俄罗斯 印度 泰国 越南 缅甸 新加坡 澳大利亚 加拿大 巴西 纽约 伦敦 东京 巴黎 首尔 莫斯科 曼谷 悉尼 多伦多 台北 香港 澳门 "
          "浦东 中关村 陆家嘴 望京 五道口 三里屯 西单 外滩 钟楼 春熙路 观音桥 解放碑 光谷 珠江新城 福田口岸 虹桥机场 首都机场 南站 火车东站 长白山 西湖 太湖 黄浦江").split()


def place():
    x = R.random()
    if x < 0.3:
        return shorten(R.choice(CITIES))
    if x < 0.42:
        return R.choice(COUNTIES)
    if x < 0.52:
        return shorten(R.choice(PROVINCES))
    if x < 0.6:
        p, c, k = R.choice(REGIONS)
        return shorten(p) + (shorten(c) if c else "") + (k if R.random() < 0.5 else "")
    if x < 0.72:
        return R.choice(PLACES)
    if x < 0.82:
        return estate()
    if x < 0.9:
        return road()
    return R.choice([town, village])()


TRADE = ("科技 信息技术 网络科技 电子商务 贸易 商贸 进出口 物流 供应链 食品 餐饮管理 酒店管理 物业管理 房地产开发 建筑工程 装饰工程 机械制造 机电设备 "
         "生物科技 医药 医疗器械 教育科技 文化传媒 广告 服饰 纺织 化工 环保科技 新能源 汽车销售 汽车服务 保险经纪 投资管理 资产管理 咨询 人力资源 家政服务 农业发展 塑业 五金 电器").split()


def organisation():
    city = shorten(R.choice(CITIES))
    bare = re.sub("(市|地区|自治州|盟)$", "", city) or city
    county = R.choice(COUNTIES)
    brand = stem() if R.random() < 0.6 else "".join(R.choice("华信达恒瑞祥泰盛鑫源隆昌宏宇天海联创智云腾飞卓越佳美康宁优易通捷顺丰汇金银中国大新亿万") for _ in range(R.choice([2, 2, 3])))
    return R.choice([
        lambda: R.choice([bare, city, "", county]) + brand + R.choice(TRADE) + R.choice(["有限公司", "有限公司", "有限责任公司", "股份有限公司", "公司", "集团"]),
        lambda: R.choice([bare, "", ""]) + brand + R.choice(TRADE)[:2],
        lambda: R.choice([bare, city, county]) + R.choice(["第一人民医院", "中医院", "妇幼保健院", "中心医院", "第三医院", "人民医院", "市立医院", "口腔医院", "疾控中心"]),
        lambda: R.choice([bare, brand]) + R.choice(["大学附属医院", "医院", "口腔诊所", "社区卫生服务中心", "眼科医院"]),
        lambda: R.choice([bare, brand, county]) + R.choice(["第一中学", "实验小学", "中学", "幼儿园", "大学", "师范大学", "理工大学", "职业技术学院", "外国语学校", "第二小学", "高级中学"]),
        lambda: R.choice([city, county]) + R.choice(["公安局", "民政局", "税务局", "教育局", "人民法院", "人民检察院", "市场监督管理局", "人力资源和社会保障局", "住建局", "政务服务中心", "派出所", "人民政府"]),
        lambda: R.choice("中国工商 中国农业 中国建设 中国 交通 招商 浦发 民生 平安 中信 光大 邮储 兴业 华夏".split()) + "银行" + R.choice(["", bare + "分行", brand + "支行", bare + brand + "支行", "股份有限公司"]),
        lambda: brand + R.choice(["律师事务所", "会计师事务所", "培训中心", "旅行社", "驾校", "健身中心", "居委会", "业主委员会", "工作室", "派出所", "保险", "证券", "基金", "地产"]),
        lambda: R.choice("阿里巴巴 腾讯 百度 京东 美团 顺丰速运 中通快递 圆通速递 申通 韵达快递 字节跳动 华为 小米 中国移动 中国电信 国家电网 中石化 中国人寿 新东方 滴滴 拼多多 网易".split()),
    ])()
