//! Hiding what pictures show: bringing them, deciding mark by mark, the copies.

use crate::ui::i18n::phrases;

phrases! {
    REDACT: "图片遮盖", "Redact pictures";
    REDACT_LEAD: "把要给别人的图片里的个人信息涂掉：程序先找，您逐处确认，涂好再找一遍，没有剩下才给副本。", "Hide what pictures show of persons before they are given away: the program looks, you decide place by place, and there is a copy only when a second look finds nothing that you did not release.";
    NO_MODELS: "还不能看图：缺少模型。", "Pictures cannot be looked at yet: models are missing.";
    NO_MODELS_DO: "请在服务器上运行 {command}，不用重新启动。", "Run {command} where the server runs; no restart is needed.";

    BRING: "放入图片", "Bring pictures";
    FILES: "图片文件，可多选，也可拖到这里", "Picture files; several at once, or dropped here";
    FILES_HINT: "JPEG、PNG、WebP、TIFF、GIF、BMP；每个不超过 {file}、{pixels} 万像素，一人最多 {pictures} 张、共 {bytes}。PDF 和文档请用 liuhen redact。", "JPEG, PNG, WebP, TIFF, GIF, BMP; each at most {file} and {pixels} megapixels, {pictures} pictures and {bytes} for one person. For PDF and documents use liuhen redact.";
    BRING_GO: "放入并查看", "Bring and look";
    KEPT: "图片和副本只在服务器内存里，只有您能看到；退出登录，或 {minutes} 分钟不操作，就全部丢弃。放入、保存和下载各留一条痕迹，不含文件名和内容。", "Pictures and copies lie in the server's memory only and are seen by you alone; when you sign out, or do nothing for {minutes} minutes, all are dropped. Bringing, saving and downloading leave a trace each, without names of files or contents.";

    LIST: "手上的图片", "Pictures at hand";
    LIST_NONE: "还没有图片。", "No pictures yet.";
    PROGRESS: "进度", "Progress";
    PROGRESS_OF: "已处理 {done} 张，共 {total} 张", "{done} of {total} done";
    RELOAD: "不用脚本时：每 5 秒自动重新载入", "Without scripts: reload every 5 seconds";
    COL_NUMBER: "序号", "No.";
    COL_NAME: "文件", "File";
    COL_SIZE: "大小", "Size";
    COL_STATE: "状态", "State";
    COL_FOUND: "发现", "Found";
    COL_RELEASED: "放行", "Released";
    COL_ADDED: "添加", "Added";
    COL_DO: "操作", "Actions";
    STATE_WAITING: "等待查看", "waiting";
    STATE_LOOKING: "正在查看", "being looked at";
    STATE_OPEN: "待确认", "to be decided";
    STATE_TO_SAVE: "等待涂盖", "waiting to be painted";
    STATE_SAVING: "正在涂盖复查", "painted and looked at again";
    STATE_SAVED: "副本可用", "copy ready";
    STATE_REFUSED: "不能处理", "refused";
    DOWNLOAD: "下载副本", "Download the copy";
    DOWNLOAD_ALL: "下载全部副本（ZIP）", "Download all copies (ZIP)";
    DISCARD: "移除", "Drop";
    DISCARD_ALL: "全部移除", "Drop all";
    DISCARD_ALL_SURE: "移除全部图片和副本？没有下载的副本就没有了。", "Drop all pictures and copies? Copies that were not downloaded are gone.";

    SUMMARY: "小结", "Summary";
    SUMMARY_GET: "下载小结（JSON）", "Download the summary (JSON)";
    SUM_PICTURES: "图片", "Pictures";
    SUM_COPIES: "有副本的", "with a copy";
    SUM_REFUSED: "不能处理的", "refused";
    SUM_HIDDEN: "遮盖（按种类）", "Hidden, by kind";
    SUM_CODES: "遮盖的条码、二维码", "Codes hidden";
    SUM_UNSURE: "为稳妥而遮盖的", "Hidden to be sure";
    SUM_ADDED: "手工添加的框", "Boxes added by hand";
    SUM_RELEASED: "手工放行的", "Released by hand";

    WHY_TOO_LARGE: "文件或像素太大", "The file is too long, or has too many pixels";
    WHY_NO_PICTURE: "不是能读的图片", "It is no picture that is read here";
    WHY_SEVERAL: "一个文件里有几幅图（动图、多页），请存成单幅", "Several pictures in one file, as animations and pages are; save one of them";
    WHY_DAMAGED: "文件残缺或损坏", "The file ends early or is damaged";
    WHY_NETWORKS: "看图的模型出错", "The networks that look at pictures failed";
    WHY_STILL_SEEN: "反复涂盖后仍看到 {n} 处您没有放行的内容，因此没有副本。请在图上再画框盖住，或确认可以放行。", "After several rounds {n} places that you did not release are still seen, so there is no copy. Draw boxes over them, or release what may be seen.";
    WHY_NOT_WRITTEN: "副本写不成这种格式", "The copy cannot be written in this format";
    WHY_NOT_TRACED: "痕迹写不下去，因此没有副本。请再保存一次。", "The trace cannot be written, so there is no copy. Save again.";
    WHY_NO_ROOM: "暂存的内存不够，请先下载或移除一些", "No memory is left for it; download or drop some pictures first";

    PICTURE_N: "第 {n} 张", "Picture {n}";
    REVIEW_LEAD: "框里的都会涂掉；勾选“留着”的才看得见。只有您能判断的，请自己加框。", "Everything in a box is hidden; only what you tick stays to be seen. Draw boxes over what only you can know.";
    WORKING: "正在处理，完成后这里会自动更新。", "This picture is being worked on; the page follows by itself.";
    ORIGINAL: "原图和标记", "The picture and its marks";
    ALT: "原图，标记画在上面", "The picture, with its marks drawn over it";
    MARKS: "找到的", "What was found";
    MARKS_NONE: "什么也没有找到。看不清的、手写的、太小的可能漏掉，请自己看一遍。", "Nothing was found. What is blurred, handwritten or very small may be missed: look for yourself.";
    MARK_WHAT: "内容", "What";
    MARK_SURE: "把握", "Sureness";
    MARK_KEEP: "留着", "Leave visible";
    MARK_KEEP_N: "留着第 {n} 处", "Leave mark {n} visible";
    MARK_LATE: "复查时发现", "found when looking again";
    SORT_CODE: "条码或二维码", "QR or bar code";
    SORT_NUMBER: "一串数字，种类不明", "a long number of no known kind";
    SORT_UNREAD: "读不出的文字", "text that could not be read";
    UNSURE: "说不准", "could not tell";
    LEGEND_WORDS: "文字", "words";
    LEGEND_FACE: "人脸", "faces";
    LEGEND_CODE: "条码", "codes";
    LEGEND_UNSURE: "说不准", "could not tell";
    LEGEND_DRAWN: "您画的", "drawn by you";
    LATE_SAID: "复查又发现 {n} 处，已一并涂掉；请看图上的标记。", "Looking again found {n} more places; they are hidden too, see the marks.";
    BESIDE: "文件里还写着：{what}。副本里一概没有。", "The file also says: {what}. A copy has none of it.";
    BESIDE_PLACE: "拍摄地点", "where it was taken";
    BESIDE_TIME: "拍摄时间", "when";
    BESIDE_DEVICE: "设备", "with what";
    BESIDE_TEXTS: "姓名或备注", "names or remarks";
    BESIDE_THUMBNAIL: "缩略图", "a thumbnail";

    FACES: "人脸怎样遮", "How faces are hidden";
    FACES_FILL: "涂黑", "filled";
    FACES_COARSEN: "粗方块", "coarse squares";
    BOXES: "自己加的框", "Boxes of your own";
    BOXES_HINT: "在图上按住拖动即可画框；也可填像素数。四格清空就去掉这个框。", "Drag over the picture to draw one, or type pixels. A box whose four fields are empty is none.";
    BOX_N: "第 {n} 个框", "Box {n}";
    LEFT: "左", "Left";
    TOP: "上", "Top";
    WIDTH: "宽", "Width";
    HEIGHT: "高", "Height";
    BOX_REMOVE: "去掉", "Remove";
    BOX_ADD: "加一个框", "Add a box";
    DRAW: "画框", "Draw boxes";
    UNDO: "撤销", "Undo";
    SAVE: "涂掉并复查", "Paint and look again";
    SAVE_AGAIN: "按新的决定重做副本", "Make the copy anew";
    COPY: "副本", "The copy";
    COPY_ALT: "副本，遮盖之处已涂掉", "The copy, with what is hidden painted over";
    COPY_SAID: "看了 {looks} 遍，{bytes}。请先看一眼再给别人。", "Looked at {looks} times, {bytes}. Look at it before you give it away.";
    NEXT: "下一张待确认的", "The next to decide";
    BACK: "全部图片", "All pictures";
}
