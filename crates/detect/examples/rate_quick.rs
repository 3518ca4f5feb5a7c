//! Quick rate.
use liuhen_detect::{Detector, Options};
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn main() {
    let d = Detector::new(Options {
        model: false,
        ..Options::default()
    });
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut best = f64::MAX;
        let mut n = 0;
        for _ in 0..5 {
            let t = cpu();
            n = 0;
            d.hits(&text, |_| n += 1);
            best = best.min(cpu() - t);
        }
        let mut s = 0;
        let t = cpu();
        {
            let mut st = d.stream();
            let mut rest = &text[..];
            while !rest.is_empty() {
                let mut k = 10000.min(rest.len());
                while !rest.is_char_boundary(k) {
                    k += 1;
                }
                st.push(&rest[..k], &mut |_| s += 1);
                rest = &rest[k..];
            }
            st.finish(&mut |_| s += 1);
        }
        println!(
            "{path}: {} hits, {:.0} MB/s; stream {} hits {:.0} MB/s",
            n,
            text.len() as f64 / best / 1e6,
            s,
            text.len() as f64 / (cpu() - t) / 1e6
        );
    }
}
