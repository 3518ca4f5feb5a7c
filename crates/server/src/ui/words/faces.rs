//! Faces: the count, the clock of filing, the purposes.

use crate::ui::i18n::phrases;

phrases! {
    FACES: "人脸", "Faces";
    FACES_LEAD: "只保存须凭密钥才有意义的模板，照片看过即弃；每次询问都留痕，答案只有“是”“否”“说不准”。", "Only templates that make sense with their key are kept, pictures are looked at and dropped; every question is traced, and an answer is yes, no or “could not tell”.";
    CLOCK: "备案时钟", "Clock of filing";
    CLOCK_RULE: "《人脸识别技术应用安全管理办法》第十五条：存储的人脸信息达到10万人之日起30个工作日内向所在地省级以上网信部门备案。这里按周一至周五计，未扣除法定节假日，也未计调休上班日，请以当年通知为准；人数回落后时钟不停。", "Article 15 of the Measures on Face Recognition: within 30 working days after face information of 100,000 persons is stored, file with the cyberspace administration of the province. Monday to Friday are counted; public holidays and the weekends worked in their stead are announced year by year and are not known here. The clock does not stop when the number falls.";
    PERSONS: "持有人脸的人数", "Persons with a face held";
    THRESHOLD: "须备案的人数", "Filing from";
    REACHED: "达到之时", "Reached";
    DUE: "备案截止", "File by";
    STATE_BELOW: "未达到", "not reached";
    STATE_NEAR: "接近", "near";
    STATE_DUE: "须备案", "file now";
    STATE_FILED: "已备案", "filed";
    REFERENCE: "备案编号", "Number of the filing";
    REFERENCE_HINT: "备案完成后填写；变更须在30个工作日内另行办理", "Once filed; changes are filed within 30 working days too";
    NOTE_FILING: "记下备案", "Note the filing";
    PURPOSES: "使用人脸的用途", "Purposes that use faces";
    PURPOSES_NONE: "没有用途使用人脸。要使用，须在用途中写明人脸以外的方式。", "No purpose uses faces. One that is to must name another way than the face.";
    PURPOSE: "用途", "Purpose";
    ALTERNATIVE: "人脸以外的方式", "The other way than the face";
    KEPT: "保存什么", "What is kept";
    KEPT_HOW: "每人每个用途一份模板和一把密钥，分存两处；撤回同意、停用或注销时先毁密钥，再删模板，重新登记则换新密钥。", "A template and a key for each person and purpose, in two places. When a consent is withdrawn, a face ended or a person erased, the key is destroyed first, then the template goes; enrolling anew begins with a new key.";
    LIMITS: "“是”只说照片像登记时的人，不说镜头前是活人。模板与密钥同时被盗，就等于人脸特征被盗：两处要分开保管。", "“Yes” says that the picture resembles who was enrolled, not that a living person stands before the camera. Whoever steals template and key has the features of the face: keep the two apart.";
}
