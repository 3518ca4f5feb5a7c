//! Texts written for this test that hold no personal information.

/// A name and a text.
pub(crate) type Text = (&'static str, &'static str);

pub(crate) const ADVERTISEMENTS: [Text; 3] = [
    (
        "dental",
        "【爱牙口腔】国庆钜惠，种植牙低至2980元/颗，原价8800元！活动时间：2026年10月1日—10月7日，\
         每天前50名到店顾客免费拍片（价值680元）。瓷贴面1280元起，隐形矫正直降3000元，洗牙仅需9.9元。\
         全国统一服务热线：400-123-4567，24小时咨询热线：400 820 1234，客服电话：95500。\
         活动最终解释权归本院所有，医疗广告审查证明文号：（京）医广【2026】第10-22-0123号。\
         现在拨打预约热线4008001234，立减500元，满10000元送电动牙刷一支。营业时间8:30-17:30，\
         累计服务顾客超过138000人次，十二年老店，第15001号许可。",
    ),
    (
        "training",
        "秋季班火热招生！原价19800元，现价9980元，限时立减8000元。开课时间2026-09-01至2027-01-15，\
         每周六日9:00-11:30，共48课时，满20人开班。咨询热线400-666-8888，投诉电话12315。",
    ),
    (
        "bank notice",
        "尊敬的客户：我行将于2026年11月23日00:00至06:00进行系统升级，期间暂停办理业务。\
         如有疑问请致电客服热线95588、信用卡专线4006695588或110、12345、12378。本短信免费。",
    ),
];

pub(crate) const PROSE: [Text; 5] = [
    (
        "news",
        "国家统计局22日发布数据，前三季度国内生产总值1015036亿元，同比增长5.2%。其中第一产业58061亿元，\
         第二产业364020亿元，第三产业592955亿元。全国居民人均可支配收入32509元。粮食总产量13908.2亿斤，\
         比上年增加177.2亿斤。新华社北京11月22日电，记者从有关部门了解到，工程总投资约13800000000元。",
    ),
    (
        "statute",
        "第二百五十三条之一　违反国家有关规定，向他人出售或者提供公民个人信息，情节严重的，处三年以下有期徒刑或者\
         拘役，并处或者单处罚金。法释〔2017〕10号，自2017年6月1日起施行。GB/T 35273—2020、GB 11643-1999。",
    ),
    (
        "English",
        "The committee met on 12 March 2026 and approved 1,250,000 shares at $13.80 each; see ISBN \
         978-3-16-148410-0, DOI 10.1000/182 and RFC 9162. Flight delays rose 15.5% to 18,800,138 minutes.",
    ),
    (
        "words about secrets",
        "请输入密码。忘记密码？密码错误，密码不能为空，密码长度为8到20位。验证码已发送，请查收；验证码错误。\
         password is required. Enter your password: ******** The password must have 8 characters.",
    ),
    (
        "blank form",
        "姓名：________ 身份证号：__________________ 手机号：___________\n联系电话：（必填）\n邮箱：请填写\n\
         身份证号：000000000000000000 手机号：00000000000 手机号：12345678901\n银行卡号：0000 0000 0000 0000",
    ),
];

pub(crate) const CODE: [Text; 9] = [
    (
        "C",
        "#include <stdint.h>\n#define MAX_U64 18446744073709551615ULL\nstatic const uint32_t K[8] = {0x428a2f98, \
         0x71374491, 0xb5c0fbcf, 1116352408, 1899447441, 3049323471};\nint64_t lo = -9223372036854775807;\n\
         for (int i = 0; i < 17179869184; i++) hash = hash * 6364136223846793005 + 1442695040888963407;\n",
    ),
    (
        "Python",
        "import re\nPHONE = re.compile(r'1[3-9]\\d{9}')\nID = re.compile(r'[1-9]\\d{5}(19|20)\\d{2}')\n\
         def check(password: str) -> bool:\n    return len(password) >= 8\n\
         password = os.environ['DB_PASSWORD']\ntoken = get_token(user_id=10086)\nassert f(13) == 6227020800\n\
         phone = row['phone']; email = row.get('email')\n",
    ),
    (
        "Go",
        "type User struct {\n\tMobile   string `json:\"mobile\" validate:\"len=11\"`\n\tPassword string \
         `json:\"password\"`\n}\nconst maxInt = 1<<63 - 1\nvar primes = []int{10000000019, 15485863, 179424673}\n\
         ctx, cancel := context.WithTimeout(ctx, 15000*time.Millisecond)\n",
    ),
    (
        "Java",
        "private static final long serialVersionUID = 8683452581122892189L;\n\
         @NotBlank(message = \"手机号不能为空\") private String mobile;\n\
         String sql = \"select id, password, mobile from t_user where id = ?\";\n\
         log.info(\"user {} login, ip={}\", userId, ip);\nBigDecimal fee = new BigDecimal(\"13800.00\");\n",
    ),
    (
        "TypeScript",
        "export interface Login { email: string; password: string; captcha?: string }\n\
         const schema = z.object({ password: z.string().min(8), mobile: z.string().regex(/^1[3-9]\\d{9}$/) });\n\
         const id = '6f9619ff-8b86-d011-b42d-00c04fc964ff'; const t = 1700000000000;\nawait api.post('/v1/otp', { otp });\n",
    ),
    (
        "SQL",
        "CREATE TABLE member (\n  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,\n  mobile VARCHAR(11) NOT NULL \
         COMMENT '手机号',\n  id_card CHAR(18) COMMENT '身份证号',\n  password VARCHAR(64) NOT NULL,\n  \
         email VARCHAR(128) DEFAULT NULL\n) AUTO_INCREMENT=10000000001 COMMENT='会员';\n\
         INSERT INTO sku VALUES (6901234567892, 'EAN', 1999.00), (6920734721044, 'EAN', 0.99);\n",
    ),
    (
        "YAML",
        "apiVersion: apps/v1\nmetadata:\n  name: web\n  labels: {version: \"1.2.3.4\"}\nspec:\n  replicas: 3\n  \
         env:\n    - name: PASSWORD\n      valueFrom: {secretKeyRef: {name: db, key: password}}\n  \
         image: registry.local/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
    ),
    (
        "shell",
        "#!/bin/sh\nset -eu\nexport PGPASSWORD=\"$DB_PASS\"\ncurl -fsSL https://example.com/v1.22.3/tool.tar.gz | tar xz\n\
         sleep 86400; chmod 0755 bin; dd if=/dev/zero bs=1048576 count=1024\nping -c1 127.0.0.1; ip route add 192.168.0.0/16 via 10.0.0.1\n",
    ),
    (
        "CSS",
        "@charset \"UTF-8\";.btn{background:#13800138;color:#fff;width:calc(100% - 18px);margin:0 auto 15px;z-index:2147483647}\
         .a{transform:matrix(1.3800138,0,0,1.5,116.3975,39.9088);transition:all .3s cubic-bezier(.25,.46,.45,.94)}\
         @media(max-width:1380px){.x{background:url(data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7)}}\n",
    ),
];

/// Numbers that are nobody's, alone on a line.
pub(crate) const NUMBERS: [&str; 64] = [
    "10000000000",
    "13000000000",
    "15000000000",
    "17179869184",
    "18000000000",
    "10000000000000000",
    "100000000000000000",
    "1000000000000000000",
    "6200000000000000000",
    "9999999999999999",
    "12345678901",
    "123456789012345678",
    "1234567890123456",
    "0000000000000000",
    "111111111111111111",
    "18446744073709551615",
    "9223372036854775807",
    "4294967296",
    "3.14159265358979323846",
    "2.718281828459045",
    "6.02214076e23",
    "299792458",
    "1.38064852e-23",
    "1.0.0",
    "10.15.7",
    "1.2.3.4",
    "v2.14.0-rc.1",
    "2026.11.22",
    "Windows NT 10.0.19045.3693",
    "Chrome/119.0.6045.159",
    "192.168.1.1",
    "10.0.0.138",
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.0",
    "203.0.113.7",
    "2001:db8::7",
    "::1",
    "fe80::1",
    "00:00:00:00:00:00",
    "FF:FF:FF:FF:FF:FF",
    "12:34:56",
    "¥1,380.00",
    "13,800,138,000元",
    "￥6222.02",
    "$15,800.13",
    "9787111128069",
    "978-7-111-12806-9",
    "6901234567892",
    "ISBN 7-302-01586-X",
    "400-820-8820",
    "4008208820",
    "800-810-1234",
    "95588",
    "10086",
    "12306",
    "12345",
    "110",
    "（400）123-4567",
    "QQ",
    "邮编：100080",
    "No.20261122-0138",
    "GB 11643-1999",
    "ISO 7812-1:2017",
];

/// Words that make of a number what it is, and a number for each.
pub(crate) const LABELLED: [(&str, &str); 24] = [
    ("订单号：", "13800138000"),
    ("订单编号：", "440308199901101512"),
    ("流水号：", "6222021234567890128"),
    ("交易号 ", "6222021234567890128"),
    ("快照编号：", "202611221503001234"),
    ("版本号：", "223.5.5.5"),
    ("version ", "223.5.5.5"),
    ("序列号：", "LDC613P23A1305188"),
    ("随机数：", "13800138000"),
    ("时间戳：", "1380013800000"),
    ("金额：", "13800138000"),
    ("注册资本：", "13800138000元"),
    ("商品条码：", "6901234567892"),
    ("服务热线：", "400-123-4567"),
    ("投诉热线：", "010-12345"),
    ("客服热线：", "0571-87654321"),
    ("邮政编码：", "310012"),
    ("发票代码：", "144032100110"),
    ("合同编号：", "HT-20261122-440308"),
    ("checksum: ", "d41d8cd98f00b204e9800998ecf8427e"),
    ("commit ", "175c1592bd50cf11dbed8c6fef2272774848abcd"),
    ("批次：", "20261122138001380"),
    ("型号：", "LBV5S3102"),
    ("图书编号：", "9787111128069"),
];
