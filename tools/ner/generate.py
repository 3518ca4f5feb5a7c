"""Text of our own domain, with its spans: chats, waybills, forms, notes, logs, notices, and hard negatives.

usage: generate.py NAME COUNT SEED   (writes NAME.jsonl)
"""
import collections, os, random, re, sys
import numpy as np
import names
from common import DATA, load, save

R = random
GOODS = ("黄金吊坠 白色连衣裙 苹果手机壳 金银花茶 高山云雾茶 安全座椅 方便面 黄桃罐头 白酒 马克杯 牛仔裤 羊毛衫 熊猫玩偶 龙井茶 梅花鹿摆件 杨梅汁 陈醋 田园犬粮 "
         "毛巾 蓝牙耳机 石榴汁 米粉 花生油 江米 雷锋帽 华为手机 小米充电宝 康师傅红烧牛肉面 高压锅 平底锅 温度计 史记 金刚经 水杯 方形收纳盒 童装 池塘过滤器 周黑鸭 "
         "老干妈 王老吉 李宁运动鞋 张小泉剪刀 章丘铁锅 金龙鱼 安踏 高露洁牙膏 云南白药 马应龙").split()
BAIT = ("高兴 黄金 方案 安全 方便 高级 高温 和平 常见 成功 成都小吃 平安 时间 白天 包括 包装 毛病 米线 马上 马路 牛肉 钱包 石头 水果 孙子 汤圆 田野 童年 万一 王者荣耀 温度 文件 "
        "吴语 夏天 向前 项目 谢谢 熊猫 徐徐 许多 严重 杨树 阳台 叶子 易拉罐 应该 尤其 于是 余额 元旦 原因 云南菜 曾经 张贴 章程 郑重 支付 钟点 周末 周一 周到 周转 朱红 诸位 祝贺 庄重 宗旨 左右 "
        "安装 白色 边缘 步骤 蔡甸 曹操出行 柴油 常规 车辆 陈旧 陈列 程序 迟到 从来 单号 党员 邓小平理论 丁香医生 东西 董事会 杜绝 段落 范围 方向 费用 封面 冯唐易老 符合 付款 甘蔗 高速 葛根 宫保鸡丁 "
        "古代 谷歌 顾客 关于 管理 广告 桂花 郭德纲相声 国家 海报 韩剧 何时 何况 贺卡 洪水 侯车室 胡萝卜 花费 华丽 黄瓜 霍乱 姬松茸 计划 季节 简单 江湖 姜汤 蒋介石传 焦虑 金额 金融 康复 柯基 孔雀 赖账 蓝色 "
        "雷电 冷静 黎明 李子 厉害 连接 廉价 梁山 林业 凌晨 刘海 柳树 龙虾 楼梯 路由器 卢比 陆续 鹿茸 罗汉果 吕剧 麻烦 满意 毛利 梅花 孟婆汤 米饭 苗圃 明天 莫名 牧场 那么 倪匡小说 宁愿 牛奶 区别 欧元 潘多拉 裴多菲 "
        "小区 小心 小孩 小时 小学 小说 小店 小吃 小伙子 小龙虾 小白鞋 小黄车 小金库 小钱 老板 老师 老公 老家 老人 老乡 老年 老实 老白干 老陈醋 老马识途 大家 大人 大学 大方 大雨 大白菜 大黄鱼 大金链 大王 大安全 "
        "阿姨 阿司匹林 阿胶 阿拉伯 宝宝 星星 天天 慢慢 妈妈 爸爸 看看 想想 单单 常常 多多 红红火火 青青草原 刚刚 渐渐 娃娃 圆圆的月亮 金金属").split()
CODE = ["[INFO] {ts} user.login ok uid={N} ip=10.2.{n}.{n}", "ERROR {ts} OrderService: 订单{K}支付超时，重试{n}次", "SELECT * FROM t_order WHERE order_no='{K}' AND status=1;", "{ts} WARN 连接池已满，等待{N}ms",
        "def 计算(单价, 数量): return 单价 * 数量", "let 总额 = 金额.iter().sum::<f64>(); // 方便核对", "{\"code\":0,\"msg\":\"成功\",\"data\":{\"金额\":{N},\"状态\":\"已完成\"}}", "git commit -m \"修复金额四舍五入的问题\"",
        "GET /api/v1/users?page={n}&size=20 200 {N}ms", "{ts} 定时任务 清理过期文件 完成，共{N}个", "# 高级配置：安全模式默认关闭", "CREATE TABLE 客户 (编号 INT, 余额 DECIMAL(10,2), 时间 DATETIME);"]
NEGATIVE = ["种植牙{R}元起，洗牙{n}元，热线{TEL}，活动时间{D}至{D}，名额有限", "本店{g}全场{n}折，满{N}减{n}，{D}截止", "请各位家长于{D}前完成安全平台作业，谢谢配合", "{x}的时候要注意{x}，{x}也很重要", "今天{x}，明天{x}，{x}都好说",
            "{g}有货吗？{g}多少钱一斤", "关于{x}和{x}的说明", "订单{K}已发货，包裹内含{g}×{n}，实付{R}元", "验证码{N}，{n}分钟内有效，请勿泄露。", "高温预警：预计{D}最高气温{n}℃，注意防暑", "【通知】因线路检修，{D}停电{n}小时，请提前安排",
            "双十一来了，{g}、{g}、{g}统统半价！", "体温36.{n}，血压{N}/{n}，心率{n}次/分，双肺呼吸音清，未闻及干湿啰音", "白细胞{n}.{n}×10^9/L，血红蛋白{N}g/L，建议复查", "主诉：反复头晕{n}天，加重{n}小时。", "方案一：{x}；方案二：{x}。成本约{R}万元",
            "尊敬的客户，您尾号{n}的卡于{D}支出{R}元，余额{R}元", "会议时间：{D}，议题：{x}、{x}，请准时参加", "钱先转过去了，你看看到账没有", "黄色的那件好看，白色的也行", "时间不早了，周末再说吧", "安全第一，万一出事谁负责", "常州话和苏州话不一样",
            "金额合计（大写）：{n}万{n}仟元整", "温馨提示：本产品不含防腐剂，净含量{N}克，保质期{n}个月", "车辆年检到期，请于{D}前办理", "成功提交后请等待审核，结果以短信为准", "高级会员享{n}折优惠，积分当年有效", "单位：万元  本期  上期  {R}  {R}",
            "于是大家都高兴地笑了，谁也没再提起那件事", "何时才能发货啊，都{n}天了，再不发我就退款了", "党员同志请于{D}前交纳党费", "孙子兵法第{n}章读后感", "任何问题请拨打客服热线{TEL}", "马上到，等我{n}分钟", "水果蔬菜{n}折，牛肉{n}元一斤", "解放思想，实事求是，与时俱进",
            "项目编号{K}，预算{R}万元，工期{n}天", "毛利率{n}%，同比增长{n}.{n}个百分点", "李子和杨梅都熟了，石榴还要等等", "全国统一热线{TEL}，周一至周日9:00-18:00", "云计算、大数据、区块链等技术快速发展", "左边是厨房，右边是阳台，南北通透，采光好", "{x}", "{x}{x}", "{g}", "序号,商品,单价,数量", "余额不足，付款失败",
            "医生在吗", "老师好", "主任今天不在", "各位先生、女士", "高级教师职称", "全体老师请到{n}号会议室", "和老师说一声", "向阿姨问路", "连经理都说不行", "对医生有意见", "找店长投诉", "时任局长", "安全主管签字", "项目经理：待定", "车间主任巡查{n}次", "叫师傅快点", "任何律师都会这么说", "当班主任很累", "于书记而言", "常务副校长", "万能师傅上门维修{TEL}",
            "\"{x}\":\"{g}\"", "\"{g}\"", "'{x}','{N}','{D}'", "标题：\"{x}{x}\"", "老家的{g}真好吃", "小区停电了", "大家{D}见", "小孩发烧{n}度", "你多大了", "老板，{g}怎么卖", "小米粥{n}元", "大·小·多·少", "产地·新疆 品名·{g}", "《{x}·{x}》第{n}集",
            "\"{w}\", \"{w}\", \"{w}\", \"{w}\"", "[\"{w}\", \"{w}\", \"{w}\"]", "\\\"{w}\\\", \\\"{w}\\\", \\\"{w}\\\"", "'{w}', '{w}', '{w}'", "\"{w}\": \"{w}\",", "\"{w}\" => \"{w}\",", "(\"{w}\", {n}), (\"{w}\", {n}),", "&[\"{w}\", \"：\", \"{w}\"]", "println!(\"{w}{w}\");", "label = \"{w}\"", "if s == \"{w}\" { return \"{w}\"; }",
            "\"{w}：\", \"{w}:\", \"{w}\"", "<td>{w}</td><td>{w}</td>", "<th>{w}</th>", "{w},{w},{w},{w}", "{w}|{w}|{w}", "- {w}", "{w}：{w}", "{w} {w} {w}", "{w}", "{w}、{w}、{w}", "“{w}”和“{w}”", "`{w}` `{w}`", "「{w}」", "// {w}{w}的{w}", "# {w}", "assert_eq!(tag(\"{w}\"), \"{w}\");", "\"{w}\"", "'{w}'", "{w}({w})", "{n}. {w}", "@{w}"]
TEXT = [
    # Waybills and forms.
    "收件人：{P}，电话{M}，地址：{A}", "收货人:{P} 手机:{M} 地址:{A}", "{P}，{M}，{A}", "{P} {M} {A}", "{A}，{P}，{M}", "{A} {P}收 {M}", "{M} {P} {A}", "寄件人{P}{M}{A}", "寄：{P} {M} {A} 收：{P} {M} {A}", "收件人: {P}\t{M}\t{A}", "{P}{M}{A}",
    "姓名：{P} 性别：{S} 出生：{D} 住址：{A} 公民身份号码：{I}", "姓名{P}性别{S}民族汉 住址{A}", "申请人：{P}，身份证号：{I}，现住{A}", "户主：{P}；户籍地址：{A}", "联系人：{P}（{M}）", "联系人/电话：{P}/{M}", "紧急联系人：{P}，与本人关系：父子，电话{M}",
    "客户姓名,手机号,收货地址\n", "{P},{M},{A}", "{n},{P},{S},{I},{M},{A},{O}", "{P}|{S}|{I}|{M}|{A}", "{K}\t{P}\t{M}\t{A}\t{g}", "持卡人：{P} 卡号：{C} 开户行：{O}", "户名：{P}，开户行：{O}，账号{C}", "单位名称：{O} 地址：{A} 电话：{TEL} 开户行：{O}", "甲方：{O}  乙方：{P}", "法定代表人：{P}，注册地址：{A}", "经办人：{P}    日期：{D}", "签名：{P}", "审核：{P} 复核：{P} 制单：{P}",
    "出租方（甲方）：{P}，承租方（乙方）：{P}，房屋坐落于{A}，月租{R}元", "委托人{P}委托{P}办理房屋过户手续", "被保险人：{P}，车牌号{Z}，行驶证住址{A}", "家庭住址 {A}", "通讯地址：{A}（邮编{N}）", "现住址：{A}", "工作单位：{O}", "毕业院校：{O}，现就职于{O}", "姓名/{P}", "【姓名】{P}【电话】{M}【地址】{A}",
    # Chats.
    "{p}说他明天到{L}", "我是{P}，麻烦把快递放到{A}", "你把东西寄到{A}，{P}收，电话{M}", "{P}你好，我是{O}的客服，您的订单有问题", "{sn}{T}，您的快递到了，放在{A}可以吗", "{sn}{T}在吗？{D}方便看房吗", "刚才{sn}{T}打电话来，说{x}的事", "@{P} 明天开会记得带材料", "@{P} @{P} 收到请回复", "{P}：好的，谢谢", "{P}：地址发我一下\n", "{P} 2023-0{n}-1{n} 1{n}:20:33\n我到{L}了",
    "帮我查一下{P}的电话，他住{A}", "昨天跟{P}、{P}还有{P}一起去{L}吃饭了", "{p}和{P}都来了，就差{P}", "{P}结婚了你知道吗", "转账给{P}{R}元", "{P}把钱转给了{P}", "问问{P}，他在{O}上班", "我老公叫{P}，{n}岁，在{O}工作", "孩子叫{P}，在{O}读{n}年级", "妈，我到{L}了，住在{A}", "我家住{A}，你过来吧", "导航到{A}就行", "定位发你了，{A}", "顺丰到付，{A}，{P}，{M}，谢谢！", "地址变了，改成{A}", "亲，{A}能送到吗", "好的{sn}{T}", "谢谢{sn}{T}！", "{p}今天没来上班", "我姓{sn}，叫我{p}就行", "{P}这个人你认识吗？听说在{L}开店", "高兴死了，{P}要回{L}了",
    # Notes and records.
    "患者{P}，{S}，{n}岁，因“{x}”于{D}入住{O}", "患者{P}，{S}，{n}岁，住{A}，主诉头痛{n}天", "主治医师：{P}  责任护士：{P}", "{P}医生查房后示：继续观察", "家属{P}（{M}）签字同意手术", "姓名：{P}  床号：{n}  住院号：{N}  科室：心内科", "既往史：高血压{n}年。转诊医院：{O}", "检验者：{P} 审核者：{P} 报告时间：{D}", "遵{P}{T}嘱复查", "{D} {P} {S} {n}岁 {O} 门诊号{N}", "流调：{P}于{D}从{L}乘高铁至{L}，居住于{A}", "确诊病例{n}：{S}，{n}岁，现住{A}",
    # Couriers, complaints, notices.
    "快递员{P}，电话{M}，正在派送您的包裹", "【{O}】您的快件{K}已由{P}签收，地址{A}", "【{O}】尊敬的{P}{S2}，您的快递已到{A}，取件码{n}-{n}-{N}", "【{O}】{P}您好，您预约的{D}就诊已成功", "投诉：{O}的{P}态度恶劣，{x}", "本人{P}，于{D}在{O}购买{g}，至今未发货", "举报人{P}反映{L}{O}存在违规行为", "我叫{P}，家住{A}，小区物业{O}乱收费", "来电人{sn}{T}反映：{A}噪音扰民", "市民{P}来电称，{A}路灯不亮", "{O}关于{P}同志任职的通知", "经研究决定，任命{P}为{O}副经理", "三年级{n}班{P}、{P}、{P}获得一等奖", "班主任：{P}{T} {M}", "请{P}同学的家长到{O}领取证件", "{D}学校组织去{L}春游，领队{P}{T}", "失物招领：捡到{P}的身份证，请到{O}领取", "寻人启事：{P}，{S}，{n}岁，于{D}在{A}走失", "招聘：{O}招{n}人，地址：{A}，联系人{sn}{T}{M}", "欠条：今借到{P}人民币{R}元，借款人{P}，{D}", "证明：兹有{P}（身份证{I}）系{O}职工", "原告：{P}，{S}，汉族，住{A}。", "被告：{O}，住所地{A}，法定代表人{P}。", "委托诉讼代理人：{P}，{O}律师。", "犯罪嫌疑人{p}（{S}，{n}岁）被{O}抓获", "{L}警方通报：{p}因{x}被行政拘留", "村民{P}、{P}等{n}户，位于{A}",
    # Listings and signatures.
    "{A} {n}室{n}厅 {n}平 {R}万 业主{sn}{T} {M}", "出租：{A}，两室一厅，月租{R}，联系{sn}{T}{M}", "急售{A}，南北通透，{R}万，中介勿扰", "{E}\n", "此致\n", "{P}\n", "{O}\n", "地址：{A}\n", "{P} | {O} | 销售经理 | {M} | {E}", "{P}  高级工程师  {O}  {A}  {M}", "顺颂商祺！ {P} {O}", "发件人：{P} <{E}>", "From: {P} {E} To: {P} {E}", "抄送：{P}；{P}；{P}", "主题：{O}与{O}合作事宜", "各位领导：附件为{O}{D}报表，请{P}审阅", "与会人员：{P}、{P}、{P}、{P}（{O}）", "参会：{P} {P} {P}", "值班表：周一 {P} 周二 {P} 周三 {P} 周四 {P}", "{n}. {P}", "{n}、{P} {R}元", "{P}", "{A}", "{O}", "{P}（{O}）", "{P}({M})", "{P},{P},{P},{P}", "{P}、{P}、{P}", "{P} {S} {D}", "{P}{S}{n}岁", "员工{P}工号{N}入职{D}部门财务部",
    # Logs that carry people.
    "{ts} INFO 用户{P}登录成功 ip=10.2.{n}.{n}", "{ts} 订单{K} 收货人={P} 手机={M} 地址={A}", "{\"name\":\"{P}\",\"phone\":\"{M}\",\"address\":\"{A}\"}", "{\"consignee\":\"{P}\",\"mobile\":\"{M}\",\"addr\":\"{A}\",\"company\":\"{O}\"}", "name={P}&mobile={M}&address={A}", "INSERT INTO user VALUES ({n},'{P}','{M}','{A}');", "<name>{P}</name><address>{A}</address>", "操作人:{P} 操作时间:{D} 备注:客户{P}要求改地址为{A}",
    # Prose.
    "{P}出生于{L}，毕业于{O}，现任{O}总经理。", "记者{P}从{O}获悉，{L}将于{D}举办活动。", "{O}董事长{P}表示，{x}是关键。", "{L}的{P}先生在{O}买了{g}", "据{P}介绍，{O}位于{A}，成立于{D}。", "{P}与{P}于{D}在{L}签署协议", "{P}从{L}来到{L}打工，一干就是{n}年", "该公司总部位于{A}", "{O}在{L}设有分公司，负责人{P}", "{P}、{P}夫妇住在{A}，育有一子{P}", "{sn}{T}说，{P}已经回{L}了", "在{L}，{P}带着{n}个孩子生活", "活动地点：{A}（{O}内）", "门店地址：{A}，营业时间9:00-21:00", "从{A}到{A}打车多少钱", "把{A}的货送到{A}",
    # Nicknames and short names.
    "{q}你到哪了", "{q}说他不来了", "叫上{q}一起", "{q}，在吗", "在吗{q}", "{q}，帮我带份饭", "刚跟{q}聊了会儿", "{q}和{q}都到了", "{q}、{q}、{q}，周五聚一下", "这事得问{q}", "{q}昨天喝多了", "{q}的手机号是{M}", "找{q}拿钥匙，他在{L}", "{q}家在{A}", "@{q} 明天几点", "{q}: 好的", "{q}：收到，{x}", "我跟{q}借了{R}块", "{q}还没还钱呢", "{q}今天请假", "听{q}说{L}那边下雪了", "给{q}打个电话{M}", "{q}他妈住院了", "{q}在{O}干了{n}年", "下午让{q}送过来", "{q}！快看群", "哈哈哈{q}你太逗了", "谢谢{q}", "{q}生日快乐", "晚上{q}请客，去{L}", "我是{q}啊，换号了", "{q}（{M}）", "爱你的{q}", "老公{q}", "室友{q}把空调开到{n}度", "同事{q}推荐的{g}", "“{q}，快走！”", "{q}结婚随了{R}", "问下{q}什么时候回{L}", "我和{q}在{O}门口等你",
    "{P}来了没", "{P}呢？", "{P}到了", "叫{P}接电话", "是{P}吗", "{P}回我了", "你认识{P}不", "{P}，{P}找你", "{P}辛苦了", "跟{P}说一声", "{P}是谁", "{P}真棒", "联系{P}", "{P}欠我{R}", "{P}的快递", "{P}家的狗丢了", "有{P}的微信吗", "{P}今天不在", "{P}几点下班", "给{P}留个座",
    # A surname before a title, a name before a title.
    "据{sn}{T}介绍，{x}", "{sn}{T}告诉记者，{D}他在{L}{x}", "{sn}{T}表示：{x}", "市民{sn}{T}拨打热线反映{x}", "业主{sn}{T}（{n}岁）说", "家住{L}的{sn}{T}", "{sn}{T}和{sn}{T}都说{x}", "感谢{sn}{T}的帮助", "{sn}{T}：您好", "尊敬的{sn}{T}：", "请{sn}{T}批示", "{sn}{T}今天出诊吗", "挂{sn}{T}的号", "{sn}{T}是{O}的{T}", "{sn}{T}布置的作业", "明天{sn}{T}带队去{L}", "找{sn}{T}签字", "{O}{sn}{T}电话{M}", "{sn}{T}，{M}，{A}", "收件人：{sn}{T} {M} {A}", "联系人：{sn}{T}", "{sn}{T}收", "{A} {sn}{T} {M}", "我儿子的老师姓{sn}，{sn}{T}", "叫我{sn}{T}就行", "{sn}{T}家的地址是{A}", "{sn}{T}已签收", "跟{sn}{T}约的{D}", "新来的{sn}{T}人很好", "“{sn}{T}，{x}。”", "患者{sn}{S2}，{n}岁", "{sn}{S2}您好，您的{g}已到{A}", "{sn}{S2}，您尾号{n}的卡", "被告{sn}{S2}辩称{x}", "{sn}{S2}在{L}被骗{R}元",
    "{P}{T}表示，{x}", "{O}{T}{P}在{L}出席活动", "{T}{P}告诉记者{x}", "{O}{T}{P}、{T}{P}参加会议", "主讲人：{P}{T}", "{P}{T}您好", "谢谢{P}{T}", "{P}{S2}，{n}岁", "请{P}{S2}到{A}取件", "据{O}的{P}{T}说", "由{P}{T}主刀", "{P}副{T}出席", "{O}原{T}{P}（{S}）",
    # Names with a dot in the middle.
    "{m}说他明天到{L}", "{m}是一位{T}", "{m}（{S}，{n}岁）住{A}", "收件人：{m}，{M}，{A}", "姓名：{m} 民族：维吾尔族", "{m}和{P}是同学", "记者采访了{m}", "{m}、{m}、{P}", "作者{m}，译者{P}", "{m}出生于{L}", "在{L}，{m}家的{g}卖得不错", "{m}{T}您好", "运动员{m}夺得冠军", "{O}外籍教师{m}", "{m}", "{m} {M}", "我叫{m}，来自{L}", "《{x}》，{m}著", "{m}的理论", "签名：{m}", "{m}女士", "总统{m}访问{L}",
    # Straight and other quotes.
    "\"{P}\"", "'{P}'", "\"name\": \"{P}\"", "name: \"{P}\"", "'姓名': '{P}', '地址': '{A}'", "\"{P}\",\"{M}\",\"{A}\"", "他叫\"{P}\"，住在\"{A}\"", "user=\"{P}\" addr=\"{A}\"", "let name = \"{P}\";", "[\"{P}\", \"{P}\", \"{P}\"]", "网名\"{x}\"，真名{P}", "\"{O}\"", "\"{q}\"说他不去", "客户名称=\"{O}\"", "'{P}','{S}','{A}'", "<td>{P}</td><td>{A}</td>", "`{P}`", "「{P}」", "『{m}』", "\"contact\":\"{sn}{T}\"", "title=\"{x}\" author=\"{P}\"", "msg: '{x}', by: '{P}'", "\"{x}\":\"{x}\"", "'{x}'",
]


def values():
    d = lambda: R.choice(["%d年%d月%d日" % (R.randint(1950, 2026), R.randint(1, 12), R.randint(1, 28)), "%d-%02d-%02d" % (R.randint(1950, 2026), R.randint(1, 12), R.randint(1, 28)), "%d月%d日" % (R.randint(1, 12), R.randint(1, 28)), "%d/%d/%d" % (R.randint(1950, 2026), R.randint(1, 12), R.randint(1, 28)), "昨天", "本周五", "上个月"])
    mobile = lambda: R.choice(["1%d%08d", "1%d%08d", "1%d %08d", "+86 1%d%08d", "1%d-%08d"]) % (R.randint(30, 99), R.randint(0, 99999999))
    return {
        "M": lambda: mobile() if R.random() < 0.85 else mobile()[:3] + "****" + mobile()[-4:], "D": d, "N": lambda: str(R.randint(100, 999999)), "n": lambda: str(R.randint(1, 60)), "R": lambda: R.choice(["%d", "%d.%02d" % (R.randint(1, 99), R.randint(0, 99)), "%d00"]).replace("%d", str(R.randint(1, 9999))),
        "I": lambda: "%06d%d%02d%02d%03d%s" % (R.randint(110101, 659004), R.randint(1940, 2020), R.randint(1, 12), R.randint(1, 28), R.randint(0, 999), R.choice("0123456789X")), "C": lambda: "62" + "".join(R.choice("0123456789") for _ in range(17)), "K": lambda: R.choice(["SF", "YT", "JD", "", "ZTO"]) + str(R.randint(10**9, 10**13)), "TEL": lambda: R.choice(["400-%03d-%04d" % (R.randint(0, 999), R.randint(0, 9999)), "0%d-%08d" % (R.randint(10, 999), R.randint(20000000, 89999999))]),
        "S": lambda: R.choice("男女"), "S2": lambda: R.choice(["先生", "女士"]), "g": lambda: R.choice(GOODS), "x": lambda: R.choice(BAIT), "w": lambda: R.choice(WORDS), "T": lambda: R.choice(names.OFFICES if R.random() < 0.6 else names.MORE_OFFICES), "E": lambda: "".join(R.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(R.randint(4, 9))) + R.choice(["@163.com", "@qq.com", "@example.cn"]),
        "Z": lambda: R.choice("京沪粤浙苏鲁川鄂湘闽") + R.choice("ABCDE") + "%05d" % R.randint(0, 99999), "ts": lambda: "2024-%02d-%02d %02d:%02d:%02d" % (R.randint(1, 12), R.randint(1, 28), R.randint(0, 23), R.randint(0, 59), R.randint(0, 59)),
    }


PLAIN = values()
MARKED = {"P": (names.full_name, "PER"), "p": (names.short_name, "PER"), "q": (names.nickname, "PER"), "m": (names.dotted, "PER"), "sn": (names.surname, "PER"), "A": (names.address, "ADR"), "L": (names.place, "ADR"), "O": (names.organisation, "ORG")}
REAL, WORDS = [], []
# LAC's tags at the beginning of an ordinary word (the next number continues it).
ORDINARY = {0, 2, 8, 10, 14, 32, 38, 42}


def ordinary():
    """The commoner words of the unlabelled text that are no names, two to four characters long."""
    tags, at, seen = np.load(os.path.join(DATA, "sample.lac.npy")), 0, collections.Counter()
    for t in open(os.path.join(DATA, "sample.txt"), encoding="utf8").read().splitlines()[:150000]:
        k, own = 0, tags[at:at + len(t)].tolist()
        at += len(t)
        while k < len(own):
            e = k + 1
            while e < len(own) and own[e] == own[k] + 1 and own[k] in ORDINARY:
                e += 1
            if e - k > 1 and e - k < 5:
                seen[t[k:e]] += 1
            k = e
    return [w for w, n in seen.most_common(12000) if n > 4 and re.fullmatch("[一-鿿]+", w)]


def fill(template):
    text, spans = "", []
    for lit, slot in re.findall(r"([^{]*(?:\{(?!\w{1,3}\})[^{]*)*)(?:\{(\w{1,3})\})?", template):
        text += lit
        if slot in MARKED:
            make, kind = MARKED[slot]
            value = R.choice(REAL) if slot == "A" and REAL and R.random() < 0.4 else make()
            if slot == "P" and R.random() < 0.03 and len(value) == 2:
                value = value[0] + R.choice([" ", "　"]) + value[1]
            spans.append([len(text), len(text) + len(value), kind])
            text += value
        elif slot:
            text += PLAIN[slot]()
    return {"t": text, "s": spans}


def wide(row):
    """Now and then digits and punctuation in their full-width or half-width forms."""
    t = row["t"]
    if R.random() < 0.06:
        t = "".join(chr(ord(c) + 0xFEE0) if "0" <= c <= "9" else c for c in t)
    elif R.random() < 0.25:
        t = t.translate(str.maketrans("，：；（）", ",:;()"))
    elif R.random() < 0.1:
        t = t.translate(str.maketrans("，。：；", "    "))
    row["t"] = t
    return row


def one():
    x = R.random()
    if x < 0.28:
        row = fill(R.choice(NEGATIVE if R.random() < 0.85 else CODE))
    elif x < 0.9:
        row = fill(R.choice(TEXT))
    else:
        parts = [fill(R.choice(TEXT if R.random() < 0.7 else NEGATIVE)) for _ in range(2)]
        row, sep = parts[0], R.choice(["。", "；", " ", "，", "。"])
        base = len(row["t"]) + len(sep)
        row = {"t": row["t"] + sep + parts[1]["t"], "s": row["s"] + [[a + base, b + base, k] for a, b, k in parts[1]["s"]]}
    row["t"] = row["t"].replace("\n", " ").replace("\t", R.choice(["\t", " "]))
    return wide(row)


def main(name, count, seed):
    R.seed(seed)
    WORDS.extend(ordinary())
    # Addresses of the labelled set stand in carrier sentences; held-back ones only in held-back text.
    REAL.extend(r["t"] for r in load("address.dev" if name.endswith("dev") else "address.train"))
    save(name, [r for r in (one() for _ in range(count)) if r["t"].strip()])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
