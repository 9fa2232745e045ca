//! Work on several threads.

use std::{
    num::NonZero,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

/// As many threads as there are processors.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Calls `work` for each item, in order, on at most this many threads; returns the results in the same order. After an
/// error no further item is started.
pub fn map<T, R, E>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let queue = Mutex::new(items.iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let mut done = Vec::new();
        while let Some((at, item)) = next() {
            match work(item) {
                Ok(result) => done.push((at, result)),
                Err(error) => {
                    while next().is_some() {}
                    return Err(error);
                }
            }
        }
        Ok(done)
    };
    let mut done = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(items.len())).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|it| {
            done.extend(it.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            Ok(())
        })
    })?;
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Runs both at the same time.
pub fn join<A: Send, B>(beside: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let beside = scope.spawn(beside);
        let here = here();
        (beside.join().unwrap_or_else(|panic| resume_unwind(panic)), here)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [1, 2, 9] {
            let doubled = map(threads, &items, |it| Ok::<_, ()>(it * 2)).unwrap();
            assert!(doubled.iter().enumerate().all(|(at, it)| *it == at * 2), "{threads} threads");
        }
        assert_eq!(map(4, &[], |it: &u8| Ok::<_, ()>(*it)), Ok(Vec::new()));
    }

    #[test]
    fn no_item_is_started_after_an_error() {
        let begun = AtomicUsize::new(0);
        let items: Vec<usize> = (0..1000).collect();
        let outcome = map(1, &items, |it| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *it == 3 { Err("the fourth") } else { Ok(()) }
        });
        assert_eq!((outcome, begun.into_inner()), (Err("the fourth"), 4));
    }
}
