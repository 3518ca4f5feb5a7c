//! Why something was refused, in Chinese: `service` says it in English, pages say it in the reader's language.
//!
//! As gettext does, the English sentence is the key; `{}` stands for what changes. A sentence without an entry is shown as it is, and a test demands an entry for every sentence that `service` can say to somebody at a form.

/// English sentences, and the same in Chinese; blanks in the same order.
const SENTENCES: &[(&str, &str)] = &[
    ("a key needs at least one role", "密钥至少要有一个角色"),
    (
        "a device's name has 1 to 40 characters",
        "设备名称为 1 至 40 个字",
    ),
    (
        "the device answered too late; try again",
        "设备回答得太晚，请再试一次",
    ),
    (
        "the opt-in network is not installed; run `liuhen models install --liveness` where the server runs",
        "选装的网络没有安装；请在服务器所在的机器上运行 liuhen models install --liveness",
    ),
    ("this device is registered already", "这台设备已经登记过了"),
    (
        "a person has at most {} devices; revoke one first",
        "每人最多登记 {} 台设备，请先停用一台",
    ),
    (
        "this device signs in a way that is not read here",
        "这台设备的签名方式本系统不支持",
    ),
    (
        "the device did not ask for a fingerprint, a face or a number, so it does not do",
        "设备没有要求指纹、人脸或密码，不能登记",
    ),
    (
        "the device's answer does not hold; try again",
        "设备的回答核对不上，请再试一次",
    ),
    (
        "a site's id has 1 to 32 lower-case letters, digits or hyphens",
        "站点编号为 1 至 32 个小写字母、数字或连字符",
    ),
    ("a name has 1 to 80 characters", "名称为 1 至 80 个字"),
    (
        "the field {} of {} already holds another kind; choose another field name",
        "字段 {}（{}）已用于另一种类，请换一个字段名",
    ),
    (
        "the demonstration only goes into an empty vault; give another directory with --dir",
        "演示数据只能放进空的保险库，请用 --dir 另选目录",
    ),
    (
        "a workbook holds at most {} rows here; ask for csv",
        "工作簿最多 {} 行，请改用 CSV",
    ),
    ("an export needs at least one field", "导出至少要有一个字段"),
    ("{} has no field {}", "{} 没有字段 {}"),
    (
        "the purpose {} does not declare the field {}",
        "用途 {} 没有声明字段 {}",
    ),
    ("an export has at least one row", "导出至少要有一行"),
    (
        "an export must expire in the future",
        "导出的到期日须在将来",
    ),
    ("a note has at most 500 characters", "备注最多 500 个字"),
    (
        "an API key is no second person; a member of staff must approve",
        "接口密钥不是第二个人，须由工作人员批准",
    ),
    (
        "whoever asked for an export cannot approve it; a second person must",
        "申请导出的人不能自己批准，须由第二人批准",
    ),
    ("this export was decided before", "这项导出已经有过决定"),
    (
        "the policies allow no person into this export",
        "按现行策略，没有人可以列入这项导出",
    ),
    ("this export is not ready", "这项导出还没有准备好"),
    ("this export has expired", "这项导出已过期"),
    (
        "somebody in this export has cancelled, so its file was deleted; ask for it anew",
        "这项导出中有人已注销，文件已删除；请重新申请",
    ),
    (
        "a report holds between 1 and {} values",
        "一次核对要有 1 至 {} 个号码",
    ),
    ("a place has 1 to {} characters", "出现处为 1 至 {} 个字"),
    (
        "this picture carries the mark of a copy or screen; take in the original",
        "这张图片带有某份副本或屏幕的暗记，请放入原图",
    ),
    (
        "a picture's file has at most {} bytes",
        "图片文件最大 {} 字节",
    ),
    ("the policy {} refuses this copy", "策略 {} 不允许这份副本"),
    (
        "row {} is a canary of an issued copy; a file that was handed out must not come back in, take in its source",
        "第 {} 行是已发出副本里的替身；发出去的文件不能再导入，请导入它的来源文件",
    ),
    ("this file is not examined", "这个文件没有比对出结果"),
    ("this import was started before", "这次导入已经开始过"),
    (
        "the file cannot be read beyond row {}: {}; the rows before are stored, whatever follows is not",
        "第 {} 行之后无法读取（{}）；之前的行已存入，之后的没有",
    ),
    (
        "only an import that was not started can be discarded",
        "只有尚未开始的导入可以丢弃",
    ),
    (
        "a collection's name has 1 to 60 characters without / or control characters",
        "集合名为 1 至 60 个字，不含 / 和控制字符",
    ),
    ("keep at least one column", "至少保留一列"),
    (
        "a field's name has 1 to 60 characters without / or control characters",
        "字段名为 1 至 60 个字，不含 / 和控制字符",
    ),
    (
        "two columns cannot become the same field",
        "两列不能成为同一个字段",
    ),
    ("the vault is closing", "保险库正在关闭"),
    (
        "the projection does not follow the log; restart and try again",
        "列表没有跟上日志，请重新启动后再试",
    ),
    (
        "say how the person was identified (2 to 200 characters)",
        "请写明如何核对了本人身份（2 至 200 个字）",
    ),
    ("a value has 1 to 1,000 characters", "内容为 1 至 1000 个字"),
    (
        "this identity number cannot be entered here; bring the document to the desk",
        "这个证件号码不能在此填写，请带证件到窗口办理",
    ),
    (
        "somebody else changed the policies meanwhile; look again",
        "其间有人改过策略，请重新查看",
    ),
    (
        "the legal basis is an item of PIPL article 13(1), 1 to 7",
        "合法性基础为《个人信息保护法》第十三条第一款第一至七项之一",
    ),
    (
        "a purpose declares 1 to 200 fields",
        "一项用途声明 1 至 200 个字段",
    ),
    (
        "decoys are shown with a chance of {} to {} percent",
        "诱饵的显示概率为 {}% 至 {}%",
    ),
    (
        "a purpose for emergencies shows nobody who does not exist",
        "应急用途不得显示并不存在的人",
    ),
    (
        "row {} is a decoy, shown among the results of look-ups; such a person does not exist and is not taken in",
        "第 {} 行是查询结果里的诱饵，世上没有此人，不能导入",
    ),
    (
        "the other way than the face is said in 2 to 200 characters",
        "人脸以外的方式请用 2 至 200 个字写明",
    ),
    (
        "a purpose that uses faces lists the field face",
        "使用人脸的用途须在字段中写入 face",
    ),
    (
        "a guardian has a name and a relation of 1 to 80 characters each",
        "监护人的姓名和关系各为 1 至 80 个字",
    ),
    (
        "a filing has a number of 1 to 80 characters",
        "备案编号为 1 至 80 个字",
    ),
    ("retention is 1 to {} days", "保存期限为 1 至 {} 天"),
    (
        "a notice has at most 20,000 characters",
        "告知书最多 20000 个字",
    ),
    (
        "say how the consent can be shown (1 to 500 characters)",
        "请写明同意如何证明（1 至 500 个字）",
    ),
    ("nothing has been imported yet", "还没有导入任何内容"),
    (
        "say which collection: there are several",
        "集合不止一个，请选择",
    ),
    (
        "this value is shared by more than {} persons; name one by a token or a resident ID",
        "有 {} 人以上同用此值，请用令牌或身份证号指明一人",
    ),
    (
        "this leads to several persons; name one by a token or a resident ID",
        "查到不止一人，请用令牌或身份证号指明一人",
    ),
    ("a request names 1 to {} persons", "一次可查 1 至 {} 人"),
    (
        "a request asks for 1 to 100 fields",
        "一次可查 1 至 100 个字段",
    ),
    (
        "a reference has at most 80 characters",
        "业务编号最多 80 个字",
    ),
    (
        "each question's field must be among the fields (for age: date_of_birth or resident_id)",
        "每个问题所问的字段须在所选字段之中（问年龄须选出生日期或身份证号）",
    ),
    (
        "the view answer needs questions, and only that view takes them",
        "只有“回答是否”才带问题，并且必须带问题",
    ),
    ("at most 20 questions at once", "一次最多 20 个问题"),
    (
        "an invitation needs at least one role",
        "邀请至少要有一个角色",
    ),
    (
        "the six-digit code does not fit; is the clock of your phone right?",
        "六位动态码不对，请检查手机时间是否准确",
    ),
    ("this login is taken", "这个登录名已有人使用"),
    (
        "the last administrator cannot be removed",
        "不能去掉最后一名管理员",
    ),
    (
        "a login has 2 to 64 letters, digits or . - _ @",
        "登录名为 2 至 64 个字母、数字或 . - _ @",
    ),
    (
        "the name shown in traces has 1 to 64 characters",
        "痕迹中显示的姓名为 1 至 64 个字",
    ),
    ("the password is too weak: {}", "口令太弱：{}"),
    ("at least {} characters", "至少 {} 个字符"),
    ("too few different characters", "不同的字符太少"),
    ("it contains the login", "含有登录名"),
    (
        "the password is longer than 1,024 characters",
        "口令超过 1024 个字符",
    ),
    (
        "an export is csv (utf-8 or gbk), tsv, jsonl, parquet, xlsx or pdf",
        "导出格式为 CSV（UTF-8 或 GBK）、TSV、JSONL、Parquet、XLSX 或 PDF",
    ),
    ("a PDF is made page by page", "PDF 须逐页生成"),
    (
        "a PDF holds at most {} rows here; ask for csv",
        "PDF 最多 {} 行，请改用 CSV",
    ),
    (
        "this machine has no font to draw pages with; install one such as fonts-noto-cjk",
        "本机没有可绘制页面的中文字体，请安装 fonts-noto-cjk 等字体",
    ),
    (
        "a PDF holds at most {} columns; ask for csv",
        "PDF 最多 {} 列，请改用 CSV",
    ),
    (
        "an export of {} rows takes at most {} canary slots more",
        "{} 行的导出最多可再加 {} 个替身位",
    ),
    (
        "too many failed attempts; try again in {} s",
        "请在 {} 秒后再试",
    ),
    (
        "{} may not {}; it needs the role {}",
        "{} 不能这样做（{}），需要角色 {}",
    ),
    (
        "at most {} pictures are held for one person; download or drop some first",
        "每人最多暂存 {} 个图片和 PDF，请先下载或移除一些",
    ),
    (
        "at most {} bytes of pictures are held for one person; download or drop some first",
        "每人暂存的图片和 PDF 最多 {} 字节，请先下载或移除一些",
    ),
    (
        "the memory for pictures under review is full; try again later",
        "暂存图片和 PDF 的内存已满，请稍后再试",
    ),
    (
        "this picture is worked on, or cannot be; look again",
        "这个文件正在处理，或无法处理，请重新查看",
    ),
    (
        "there is no such mark on this picture; load the page again",
        "这张图片上没有这个标记，请重新打开页面",
    ),
    (
        "there is no such page; load the page again",
        "没有这一页，请重新打开页面",
    ),
    (
        "at most {} boxes are drawn on one picture",
        "一张图片或一页最多画 {} 个框",
    ),
    (
        "a box lies outside the picture or has no size",
        "有一个框在图片之外，或没有大小",
    ),
    (
        "a box needs four whole numbers: left, top, width, height",
        "每个框要填四个整数：左、上、宽、高",
    ),
    ("no file was chosen", "没有选择文件"),
    ("{} must be {}", "{} 须为 {}"),
];

/// The sentence in Chinese, as far as there is one.
pub(crate) fn in_chinese(sentence: &str) -> String {
    SENTENCES
        .iter()
        .find_map(|(english, chinese)| {
            let blanks = match_blanks(english, sentence)?;
            let mut parts = chinese.split("{}");
            let mut whole = parts.next().unwrap_or_default().to_owned();
            for (blank, part) in blanks.into_iter().zip(parts) {
                // A reason within a reason, such as why a password is weak.
                whole.push_str(&in_chinese(blank));
                whole.push_str(part);
            }
            Some(whole)
        })
        .unwrap_or_else(|| sentence.to_owned())
}

/// What stands in the blanks of a pattern, when the sentence is one of it.
fn match_blanks<'s>(pattern: &str, sentence: &'s str) -> Option<Vec<&'s str>> {
    let (first, others) = pattern
        .split_once("{}")
        .map_or((pattern, None), |(first, rest)| (first, Some(rest)));
    let mut rest = sentence.strip_prefix(first)?;
    let Some(others) = others else {
        return rest.is_empty().then(Vec::new);
    };
    let mut blanks = Vec::new();
    let literals: Vec<&str> = others.split("{}").collect();
    let last = literals.len() - 1;
    for (n, literal) in literals.into_iter().enumerate() {
        let (blank, after) = match (n == last, literal.is_empty()) {
            (true, _) => (rest.strip_suffix(literal)?, ""),
            (false, true) => return None,
            (false, false) => rest.split_once(literal)?,
        };
        blanks.push(blank);
        rest = after;
    }
    Some(blanks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_with_and_without_blanks() {
        let rows = [
            ("this login is taken", "这个登录名已有人使用"),
            ("retention is 1 to 3650 days", "保存期限为 1 至 3650 天"),
            ("people has no field 电话", "people 没有字段 电话"),
            (
                "the field a of b already holds another kind; choose another field name",
                "字段 a（b）已用于另一种类，请换一个字段名",
            ),
            (
                "the password is too weak: at least 12 characters",
                "口令太弱：至少 12 个字符",
            ),
            ("nobody wrote this sentence", "nobody wrote this sentence"),
        ];
        for (english, chinese) in rows {
            assert_eq!(in_chinese(english), chinese);
        }
    }

    /// Literals given to `Invalid`, `Conflict` or a local `invalid(…)`, with every blank as `{}`.
    fn said_in(source: &str) -> Vec<String> {
        let code = source
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        let mut said = Vec::new();
        for opening in [
            "ServiceError::Invalid(",
            "ServiceError::Conflict(",
            "invalid(",
        ] {
            for (at, _) in code.match_indices(opening) {
                let after = code[at + opening.len()..].trim_start();
                let after = after.strip_prefix("format!(").unwrap_or(after).trim_start();
                let Some(text) = after.strip_prefix('"') else {
                    continue;
                };
                let text = text.split('"').next().unwrap_or_default();
                let mut plain = String::new();
                let mut rest = text;
                while let Some((before, blank)) = rest.split_once('{') {
                    plain.push_str(before);
                    plain.push_str("{}");
                    rest = blank.split_once('}').map_or("", |(_, after)| after);
                }
                said.push(plain + rest);
            }
        }
        said
    }

    #[test]
    fn every_sentence_of_the_service_has_its_chinese() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src");
        let (mut found, mut missing) = (0, Vec::new());
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        // What lies in a folder (`attest`, `backup`, `scan`) speaks to the program and never on a page.
        for path in entries.filter(|path| path.is_file()) {
            let source = std::fs::read_to_string(path).unwrap();
            for sentence in said_in(&source) {
                found += 1;
                if SENTENCES.iter().all(|(english, _)| *english != sentence) {
                    missing.push(sentence);
                }
            }
        }
        assert!(found > 50, "the scan finds what is said: {found}");
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn both_languages_have_the_same_blanks() {
        for (english, chinese) in SENTENCES {
            assert_eq!(
                english.matches("{}").count(),
                chinese.matches("{}").count(),
                "{english}"
            );
            assert!(!chinese.is_ascii(), "{english}");
        }
    }
}
