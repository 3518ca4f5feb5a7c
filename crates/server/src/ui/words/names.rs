//! Names of actions, outcomes, roles, views and legal bases.

use crate::ui::i18n::phrases;

phrases! {
    ACTION_READ: "查看", "read";
    ACTION_EXPORT_REQUEST: "申请导出", "export asked for";
    ACTION_EXPORT_DECISION: "审批导出", "export decided";
    ACTION_EXPORT: "导出", "export";
    ACTION_EXPORT_DOWNLOAD: "下载导出文件", "export downloaded";
    ACTION_IMPORT: "导入", "import";
    ACTION_POLICY: "修改策略", "policies changed";
    ACTION_PURPOSE: "修改用途", "purpose changed";
    ACTION_CONSENT: "同意变更", "consent changed";
    ACTION_FACE_ENROLMENT: "登记人脸", "face enrolled";
    ACTION_FACE_CHECK: "人脸核对", "face compared";
    ACTION_CAPTURE: "镜头前确认", "shown before a camera";
    ACTION_DEVICE: "本人设备", "own device";
    ACTION_FACE_END: "停用人脸", "face ended";
    DETAIL_FACE: "照片", "picture";
    ACTION_OBJECTION: "营销意愿变更", "objection changed";
    ACTION_CORRECTION: "更正", "correction";
    ACTION_ERASURE: "注销删除", "erasure";
    ACTION_INVITATION: "发出本人链接", "link handed over";
    ACTION_OWN_VIEW: "本人查阅", "own view";
    ACTION_LEAK: "泄露溯源", "leak examined";
    ACTION_SIGHTING: "替身出现", "canary seen";
    ACTION_DECOY: "诱饵抽签", "chance of a decoy";
    DETAIL_ACCOUNTS: "账号", "accounts";
    DETAIL_DECOY: "诱饵", "decoy";
    DETAIL_PROPENSITY: "诱饵概率", "chance of a decoy";
    ACTION_SCREEN: "屏幕暗记启用", "screen given its pattern";
    ACTION_REDACTION: "图片遮盖", "picture redacted";
    DETAIL_HIDDEN: "遮盖处数", "places hidden";
    DETAIL_ADDED: "手工添加", "added by hand";
    DETAIL_RELEASED: "手工放行", "released by hand";
    ACTION_ADMIN: "管理操作", "administration";
    ACTION_SIGN_IN: "登录", "sign-in";

    OUTCOME_PLAIN: "给出原文", "in plain";
    OUTCOME_MASKED: "打码给出", "masked";
    OUTCOME_ANSWERED: "只答是否", "yes or no";
    OUTCOME_REFUSED: "已拒绝", "refused";
    OUTCOME_ERASED: "已注销", "erased";
    OUTCOME_UNKNOWN: "查无此人", "nobody found";
    OUTCOME_DONE: "完成", "done";
    OUTCOME_FAILED: "失败", "failed";

    ROLE_ADMIN: "管理员", "administrator";
    ROLE_IMPORTER: "导入员", "importer";
    ROLE_READER: "查询员", "reader";
    ROLE_EXPORTER: "导出员", "exporter";
    ROLE_APPROVER: "审批人", "approver";
    ROLE_INVESTIGATOR: "调查员", "investigator";
    ROLE_DESK: "窗口人员", "desk";

    VIEW_PLAIN: "原文", "plain";
    VIEW_MASKED: "打码", "masked";
    VIEW_ANSWER: "只答是否", "yes or no";

    KIND_NONE: "非个人信息 / 其他", "other";
    LIST_COMMA: "、", ", ";
    YES: "是", "yes";
    NO: "否", "no";
    NONE: "（无）", "(none)";

    ANONYMOUS: "（未登录者）", "(not signed in)";
    DETAIL_COLLECTION: "数据集", "collection";
    DETAIL_POLICY: "依据的策略", "policy";
    DETAIL_RECIPIENT: "接收方", "recipient";
    DETAIL_REFERENCE: "案号、单号", "reference";
    DETAIL_EXPORT: "导出", "export";
    DETAIL_IMPORT: "导入", "import";
    DETAIL_LEAK: "溯源", "leak";
    DETAIL_SIGHTING: "警报", "alert";
    DETAIL_SCREEN: "屏幕日期", "screens of";
    DETAIL_PICTURE: "图片", "picture";
    DETAIL_COPY: "副本", "copy";
    DETAIL_VISIBLE: "明示文字的 SHA-256", "SHA-256 of the visible words";
    DETAIL_PLACE: "出现处", "place";
    DETAIL_CANARIES: "替身数", "canaries";
    DETAIL_EXPORTS: "含有它的导出", "exports that carried it";
    DETAIL_DID: "做了什么", "did";
    DETAIL_ROWS: "行数", "rows";
    DETAIL_BAD: "坏行", "bad rows";
    DETAIL_ROLES: "角色", "roles";
    DETAIL_SITE: "业务站点", "site";
    DETAIL_STAFF: "人员", "staff";
    DETAIL_KEY: "接口密钥", "API key";
    DETAIL_EXPIRES: "到期", "expires";
    DETAIL_ACCUSED: "指认", "named";
    DETAIL_IDENTIFIED: "怎样确认是本人", "identified by";
    DETAIL_BEFORE: "之前", "before";
    DETAIL_AFTER: "之后", "after";

    BASIS_1: "取得个人同意（第一项）", "consent (item 1)";
    BASIS_2: "订立、履行合同或人力资源管理所必需（第二项）", "contract or staff management (item 2)";
    BASIS_3: "履行法定职责或法定义务所必需（第三项）", "duty under the law (item 3)";
    BASIS_4: "应对突发公共卫生事件或紧急情况所必需（第四项）", "public health or emergency (item 4)";
    BASIS_5: "新闻报道、舆论监督（第五项）", "news in the public interest (item 5)";
    BASIS_6: "合理范围内处理已公开的个人信息（第六项）", "information already public (item 6)";
    BASIS_7: "法律、行政法规规定的其他情形（第七项）", "other cases laid down by law (item 7)";
}
