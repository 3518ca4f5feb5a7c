//! Work shared among threads that end with it. A thread that cannot be started costs time only.

use std::thread;

/// Runs `work` on consecutive parts of a list, at most `threads` of them and none shorter than `least` but the last, each on a thread of its own; answers in the list's order.
pub(crate) fn in_parts<T: Sync, R: Send>(
    threads: usize,
    least: usize,
    list: &[T],
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let part = list.len().div_ceil(threads.max(1)).max(least).max(1);
    let mut parts = list.chunks(part);
    let own = parts.next().unwrap_or(&[]);
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<(_, &[T])> = parts
            .map(|part| {
                (
                    thread::Builder::new().spawn_scoped(scope, move || work(part)),
                    part,
                )
            })
            .collect();
        let mut done = vec![work(own)];
        for (handle, part) in others {
            let result = handle.ok().and_then(|handle| handle.join().ok());
            done.push(result.unwrap_or_else(|| work(part)));
        }
        done
    })
}

/// Does two things at once, and answers both.
pub(crate) fn both<R: Send>(one: impl Fn() -> R, other: impl Fn() -> R + Sync) -> (R, R) {
    let other = &other;
    thread::scope(|scope| {
        let handle = thread::Builder::new().spawn_scoped(scope, other);
        let one = one();
        let done = handle.ok().and_then(|handle| handle.join().ok());
        (one, done.unwrap_or_else(other))
    })
}
