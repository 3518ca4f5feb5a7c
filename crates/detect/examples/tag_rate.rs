//! How fast text is tagged: `tag_rate [FILE]`, one segment a line, on one core.
//!
//! Without a file, a page of invented text is used.

use std::time::Instant;

use liuhen_detect::sequence::{Model, Workspace};

/// Lines timed together, and how often.
const BLOCK: usize = 50;
const ROUNDS: u32 = 6;

const PAGE: &str =
    "收件人：欧阳建国，电话13800000000，地址：浙江省杭州市西湖区文三路21号3栋2单元501室。
昨天李晓梅从上海虹桥站出发，下午到了南京，晚上和同事在新街口附近吃饭。
会议由总经理张伟主持，财务部、人事部和技术部的负责人参加，讨论了明年的预算和招聘计划。
今天天气很好，我们一起去公园散步，看到很多花都开了，心情也跟着好起来。
";

#[expect(clippy::print_stdout, reason = "its output is its purpose")]
fn main() -> std::io::Result<()> {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => PAGE.repeat(4000),
    };
    let (model, mut workspace, mut found) = (Model::builtin(), Workspace::default(), Vec::new());
    // Each block of lines is timed in every round, and its best time counts: on
    // a machine with other work that is nearest to what one core can do alone.
    let lines: Vec<&str> = text.lines().collect();
    let mut best = vec![f64::MAX; lines.len().div_ceil(BLOCK)];
    let whole = Instant::now();
    for _ in 0..ROUNDS {
        found.clear();
        for (block, best) in lines.chunks(BLOCK).zip(&mut best) {
            let start = Instant::now();
            for line in block {
                model.tag(line, &mut workspace, &mut found);
            }
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    let mean = whole.elapsed().as_secs_f64() / f64::from(ROUNDS);
    let best: f64 = best.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let (bytes, chars) = (text.len() as f64, text.chars().count() as f64);
    println!(
        "{} spans; best {:.2} MB/s, {:.0} thousand characters/s; mean {:.2} MB/s",
        found.len(),
        bytes / best / 1e6,
        chars / best / 1e3,
        bytes / mean / 1e6
    );
    Ok(())
}
