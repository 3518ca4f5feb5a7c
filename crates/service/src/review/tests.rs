use super::bench::{Benches, Looked, Saved, Task};
use super::document::Begun;
use super::rules::Rules;
use super::*;
use crate::sight::Quad;

fn member(id: &str) -> Caller {
    Caller {
        id: format!("staff:{id}"),
        ..Caller::local()
    }
}

fn view(id: &str) -> ReviewView {
    ReviewView {
        id: id.to_owned(),
        number: 0,
        name: "x.png".to_owned(),
        sha256: String::new(),
        bytes: 0,
        state: ReviewState::Waiting,
        paged: false,
        pages: Vec::new(),
        done: 0,
        marks: Vec::new(),
        beside: Vec::new(),
        decision: ReviewDecision::none(),
        problem: None,
        copy: None,
    }
}

fn mark(kind: Kind, left: f32) -> Mark {
    Mark {
        sort: Sort::Words,
        kinds: vec![kind],
        confidence: Some(0.9),
        places: vec![Quad::upright(left, 10.0, 40.0, 10.0)],
    }
}

fn looked(marks: Vec<Mark>) -> std::result::Result<Looked, ReviewProblem> {
    Ok(Looked {
        shown: Zeroizing::new(vec![1; 10]),
        width: 200,
        height: 100,
        marks,
        beside: Vec::new(),
    })
}

fn copy(bytes: usize) -> Option<(Zeroizing<Vec<u8>>, ReviewCopy)> {
    let copy = ReviewCopy {
        file_name: "picture-001.png".to_owned(),
        media_type: "image/png",
        bytes: bytes as u64,
        sha256: "ab".to_owned(),
        looks: 2,
    };
    Some((Zeroizing::new(vec![7; bytes]), copy))
}

/// The numbers of the program, but as many bytes as a test fills in no time.
fn small() -> Rules {
    let mut rules: Rules = toml::from_str(include_str!("review.toml")).unwrap();
    rules.member.bytes = 4_000;
    rules.all.bytes = 16_000;
    rules
}

fn put(benches: &mut Benches, by: &Caller, id: &str, bytes: usize, now: UnixMs) -> Result<()> {
    let file = Zeroizing::new(vec![0; bytes]);
    benches.add(by, view(id), file, now, &small()).map(drop)
}

/// A picture that was looked at, with two marks.
fn open(benches: &mut Benches, by: &Caller, id: &str) {
    put(benches, by, id, 100, 0).unwrap();
    let job = benches.next().unwrap();
    assert!(matches!(job.task, Task::Look { .. }) && job.id == id);
    let marks = vec![mark(Kind::PERSON_NAME, 10.0), mark(Kind::MOBILE, 80.0)];
    benches.looked(&job, looked(marks), rules().unwrap(), 0);
}

fn decision(released: &[usize], drawn: &[[u32; 4]]) -> ReviewDecision {
    ReviewDecision {
        released: released.iter().copied().collect(),
        drawn: [(1, drawn.to_vec())].into(),
        coarsen: false,
    }
}

#[test]
fn memory_is_bounded_for_one_and_for_all() {
    let rules = small();
    let mut benches = Benches::default();
    let one = member("one");
    for at in 0..rules.member.pictures {
        put(&mut benches, &one, &at.to_string(), 1, 0).unwrap();
    }
    let full = put(&mut benches, &one, "more", 1, 0).unwrap_err();
    assert_eq!(full.code(), "conflict");
    // Dropping one makes room for one.
    benches.discard(&one.id, "0").unwrap();
    put(&mut benches, &one, "more", 1, 0).unwrap();

    let mut benches = Benches::default();
    let half = usize::try_from(rules.member.bytes / 2).unwrap() + 1;
    put(&mut benches, &one, "a", half, 0).unwrap();
    assert!(put(&mut benches, &one, "b", half, 0).is_err());
    // All together are bounded beyond what each may hold.
    let room = rules.all.bytes - rules.member.bytes / 2 - 1;
    let others = usize::try_from(room / rules.member.bytes).unwrap();
    for at in 0..others {
        let whole = usize::try_from(rules.member.bytes).unwrap();
        put(&mut benches, &member(&at.to_string()), "a", whole, 0).unwrap();
    }
    let last = member("last");
    assert!(put(&mut benches, &last, "a", half, 0).is_err());
    benches.clear(&member("0").id);
    put(&mut benches, &last, "a", half, 0).unwrap();
}

#[test]
fn nobody_else_reaches_a_picture() {
    let mut benches = Benches::default();
    let (one, other) = (member("one"), member("other"));
    open(&mut benches, &one, "r_1");
    let rules = rules().unwrap();
    let missing = |code: Option<&'static str>| assert_eq!(code, Some("not_found"));
    missing(benches.one(&other.id, "r_1").err().map(|e| e.code()));
    missing(benches.shown(&other.id, "r_1", 1).err().map(|e| e.code()));
    missing(benches.copy(&other.id, "r_1").err().map(|e| e.code()));
    missing(benches.discard(&other.id, "r_1").err().map(|e| e.code()));
    let tried = benches.decide(&other.id, "r_1", decision(&[], &[]), rules, 0);
    missing(tried.err().map(|e| e.code()));
    assert!(benches.all(&other.id).is_empty() && benches.all(&one.id).len() == 1);
}

#[test]
fn what_is_idle_goes_and_what_is_worked_on_stays() {
    let mut benches = Benches::default();
    let (one, two) = (member("one"), member("two"));
    let idle = idle().unwrap();
    open(&mut benches, &one, "r_1");
    assert!(benches.sweep(idle, idle));
    assert_eq!(benches.all(&one.id).len(), 1);
    // Whoever is there keeps his own.
    benches.touch(&one.id, 10);
    benches.sweep(idle + 5, idle);
    assert_eq!(benches.all(&one.id).len(), 1);
    put(&mut benches, &two, "r_2", 1, 0).unwrap();
    assert!(
        benches.sweep(idle * 3, idle),
        "a picture still waits for its look"
    );
    assert!(benches.all(&one.id).is_empty());
    let job = benches.next().unwrap();
    assert!(benches.sweep(idle * 9, idle), "it is looked at");
    benches.looked(
        &job,
        Err(ReviewProblem::Damaged),
        rules().unwrap(),
        idle * 9,
    );
    assert!(benches.sweep(idle * 10, idle), "the end of the work counts");
    assert!(!benches.sweep(idle * 10 + 1, idle));
}

#[test]
fn a_mark_stays_hidden_unless_it_is_released() {
    let rules = rules().unwrap();
    let mut benches = Benches::default();
    let one = member("one");
    open(&mut benches, &one, "r_1");
    let decide =
        |benches: &mut Benches, decision| benches.decide(&one.id, "r_1", decision, rules, 0);
    for wrong in [
        decision(&[0], &[]),
        decision(&[3], &[]),
        decision(&[], &[[0, 0, 0, 5]]),
        decision(&[], &[[200, 0, 5, 5]]),
        decision(&[], &vec![[0, 0, 1, 1]; rules.picture.boxes + 1]),
    ] {
        assert_eq!(decide(&mut benches, wrong).unwrap_err().code(), "invalid");
    }
    decide(&mut benches, decision(&[1], &[[5, 5, 10, 10]])).unwrap();
    // While it waits no second decision is taken.
    let twice = decide(&mut benches, decision(&[], &[])).unwrap_err();
    assert_eq!(twice.code(), "conflict");
    let job = benches.next().unwrap();
    let Task::Save {
        decided, coarsen, ..
    } = &job.task
    else {
        panic!("a decision is painted before anything is looked at");
    };
    assert!(!coarsen);
    assert_eq!(decided.released, [mark(Kind::PERSON_NAME, 10.0)]);
    assert_eq!(decided.hidden, [mark(Kind::MOBILE, 80.0)]);
    assert_eq!(decided.drawn.len(), 1);
    let saved = Saved {
        copy: copy(20),
        late: vec![(1, mark(Kind::EMAIL, 140.0))],
        left: 0,
    };
    benches.saved(&job, Ok(saved), rules, 0);
    let view = benches.one(&one.id, "r_1").unwrap();
    assert_eq!(view.state, ReviewState::Saved);
    // What came later has a number of its own and is hidden.
    let numbers: Vec<_> = view.marks.iter().map(|m| (m.number, m.late)).collect();
    assert_eq!(numbers, [(1, false), (2, false), (3, true)]);
    assert!(view.is_released(&view.marks[0]) && !view.is_released(&view.marks[2]));
    let sum = ReviewSummary::of(&[view], 0, "r");
    assert_eq!((sum.copies, sum.added, sum.released), (1, 1, 1));
    assert_eq!(sum.hidden.get(&Kind::MOBILE), Some(&1));
    assert_eq!(sum.hidden.get(&Kind::PERSON_NAME), None);
    assert_eq!(sum.lines[0].found_later, 1);
    assert!(!serde_json::to_string(&sum).unwrap().contains("x.png"));
}

#[test]
fn while_something_is_seen_there_is_no_copy() {
    let rules = &small();
    let mut benches = Benches::default();
    let one = member("one");
    open(&mut benches, &one, "r_1");
    let save = |saved, benches: &mut Benches| {
        let all = decision(&[1, 2], &[]);
        benches.decide(&one.id, "r_1", all, rules, 0).unwrap();
        let job = benches.next().unwrap();
        benches.saved(&job, saved, rules, 0);
        (
            benches.one(&one.id, "r_1").unwrap(),
            benches.copy(&one.id, "r_1").is_ok(),
        )
    };
    let good = || Saved {
        copy: copy(20),
        late: Vec::new(),
        left: 0,
    };
    let (view, has) = save(Ok(good()), &mut benches);
    assert!(has && view.problem.is_none());
    // A decision takes the copy away at once, whatever becomes of it.
    let seen = Saved {
        copy: None,
        late: Vec::new(),
        left: 4,
    };
    let (view, has) = save(Ok(seen), &mut benches);
    assert_eq!(view.problem, Some(ReviewProblem::StillSeen(4)));
    assert!(!has && view.copy.is_none() && view.state == ReviewState::Open);
    let (view, has) = save(Err(ReviewProblem::NotTraced), &mut benches);
    assert!(!has && view.problem == Some(ReviewProblem::NotTraced));
    let large = Saved {
        copy: copy(usize::try_from(rules.member.bytes).unwrap()),
        ..good()
    };
    let (view, has) = save(Ok(large), &mut benches);
    assert!(!has && view.problem == Some(ReviewProblem::NoRoom));
    assert!(save(Ok(good()), &mut benches).1);
    let sum = ReviewSummary::of(&benches.all(&one.id), 0, "r");
    assert_eq!((sum.copies, sum.released), (1, 2));
}

#[test]
fn who_waits_before_a_screen_comes_first_then_who_was_served_least() {
    let rules = rules().unwrap();
    let mut benches = Benches::default();
    let (one, two) = (member("one"), member("two"));
    open(&mut benches, &one, "r_1");
    for id in ["r_2", "r_3", "r_4"] {
        put(&mut benches, &one, id, 1, 0).unwrap();
    }
    put(&mut benches, &two, "r_5", 1, 0).unwrap();
    benches
        .decide(&one.id, "r_1", decision(&[], &[]), rules, 0)
        .unwrap();
    assert!(benches.begin_work());
    assert!(!benches.begin_work(), "one works at a time");
    let mut order = Vec::new();
    while let Some(job) = benches.next() {
        order.push(job.id);
    }
    assert_eq!(order, ["r_1", "r_5", "r_2", "r_3", "r_4"]);
    put(&mut benches, &two, "r_6", 1, 0).unwrap();
    assert!(benches.begin_work(), "who found nothing to do is gone");
}

#[test]
fn what_was_dropped_while_it_was_looked_at_stays_dropped() {
    let mut benches = Benches::default();
    let one = member("one");
    put(&mut benches, &one, "r_1", 1, 0).unwrap();
    let job = benches.next().unwrap();
    benches.clear(&one.id);
    benches.looked(&job, looked(Vec::new()), rules().unwrap(), 0);
    assert!(benches.all(&one.id).is_empty());
    assert!(benches.shown(&one.id, "r_1", 1).is_err());
}

/// A PDF whose pages were looked at, with so many marks each.
fn open_pages(benches: &mut Benches, by: &Caller, id: &str, marks: &[usize]) {
    let rules = rules().unwrap();
    let paged = ReviewView {
        paged: true,
        ..view(id)
    };
    let file = Zeroizing::new(vec![0; 100]);
    benches.add(by, paged, file, 0, rules).unwrap();
    let job = benches.next().unwrap();
    assert!(matches!(job.task, Task::Hear) && job.paged);
    let said = marks.iter().map(|_| vec![mark(Kind::EMAIL, 10.0)]);
    benches.heard(&job, Ok(said.collect()), 0);
    for (at, &count) in marks.iter().enumerate() {
        let job = benches.next().unwrap();
        let Task::Look { page, said } = &job.task else {
            panic!("page after page is looked at");
        };
        assert_eq!((*page, said.len(), job.pages), (at, 1, marks.len()));
        let seen = vec![mark(Kind::MOBILE, 80.0); count];
        benches.looked(&job, looked(seen), rules, 0);
    }
}

fn part(page: u32, released: &[usize], drawn: &[[u32; 4]], paint: bool) -> ReviewPart {
    ReviewPart {
        page,
        released: released.iter().copied().collect(),
        drawn: drawn.to_vec(),
        coarsen: false,
        paint,
    }
}

#[test]
fn a_pdf_is_decided_on_page_by_page_and_painted_as_a_whole() {
    let rules = rules().unwrap();
    let mut benches = Benches::default();
    let one = member("one");
    open_pages(&mut benches, &one, "r_1", &[1, 2]);
    let view = benches.one(&one.id, "r_1").unwrap();
    assert_eq!((view.state, view.pages.len()), (ReviewState::Open, 2));
    let numbers: Vec<_> = view.marks.iter().map(|m| (m.number, m.page)).collect();
    assert_eq!(numbers, [(1, 1), (2, 2), (3, 2)]);
    assert!(benches.shown(&one.id, "r_1", 2).is_ok());
    for missing in [0, 3] {
        assert!(benches.shown(&one.id, "r_1", missing).is_err());
    }
    let give = |benches: &mut Benches, part| benches.decide_page(&one.id, "r_1", part, rules, 0);
    for wrong in [
        part(1, &[2], &[], true),
        part(2, &[4], &[], true),
        part(0, &[], &[], true),
        part(3, &[], &[[0, 0, 5, 5]], true),
        part(2, &[], &[[200, 0, 5, 5]], true),
    ] {
        assert_eq!(give(&mut benches, wrong).unwrap_err().code(), "invalid");
    }
    // One page's decision is kept while another's is made, and made anew.
    give(&mut benches, part(1, &[1], &[[1, 1, 2, 2]], false)).unwrap();
    give(&mut benches, part(2, &[2, 3], &[], false)).unwrap();
    give(&mut benches, part(2, &[3], &[[5, 5, 10, 10]], false)).unwrap();
    let view = benches.one(&one.id, "r_1").unwrap();
    assert_eq!((view.state, view.drawn()), (ReviewState::Open, 2));
    assert_eq!(view.decision.released, [1, 3].into());
    assert!(benches.next().is_none(), "what is only kept is not painted");
    give(&mut benches, part(1, &[1], &[[1, 1, 2, 2]], true)).unwrap();

    // The pages are painted one after another, each with its own marks and boxes.
    let job = benches.next().unwrap();
    let Task::Save { decided, begun, .. } = &job.task else {
        panic!("it is painted");
    };
    let counts = [
        decided.hidden.len(),
        decided.released.len(),
        decided.drawn.len(),
    ];
    assert_eq!((counts, begun.pages, job.counts), ([0, 1, 1], 0, [1, 2, 2]));
    // Whoever waits to be served gets his turn between two pages.
    let two = member("two");
    open(&mut benches, &two, "r_2");
    benches
        .decide(&two.id, "r_2", decision(&[], &[]), rules, 0)
        .unwrap();
    let begun = Begun {
        pages: 1,
        ..Begun::default()
    };
    benches.went_on(&job, begun, rules, 0);
    assert_eq!(benches.one(&one.id, "r_1").unwrap().done, 1);
    assert_eq!(benches.next().unwrap().id, "r_2");
    let job = benches.next().unwrap();
    let Task::Save { decided, begun, .. } = &job.task else {
        panic!("it is painted on");
    };
    let counts = [
        decided.hidden.len(),
        decided.released.len(),
        decided.drawn.len(),
    ];
    assert_eq!(
        (job.id.as_str(), counts, begun.pages),
        ("r_1", [1, 1, 1], 1)
    );
    let saved = Saved {
        copy: copy(20),
        late: vec![(2, mark(Kind::EMAIL, 140.0))],
        left: 0,
    };
    benches.saved(&job, Ok(saved), rules, 0);
    let view = benches.one(&one.id, "r_1").unwrap();
    assert_eq!((view.state, view.done), (ReviewState::Saved, 0));
    assert_eq!(
        view.marks.last().map(|m| (m.number, m.page, m.late)),
        Some((4, 2, true))
    );
    let sum = ReviewSummary::of(&[view], 0, "r");
    assert_eq!(
        (sum.pictures, sum.pages, sum.added, sum.released),
        (1, 2, 2, 2)
    );
    assert_eq!(sum.lines[0].added, [[1, 1, 2, 2]]);
    assert_eq!(sum.lines[0].added_on[&2], [[5, 5, 10, 10]]);

    // Going through the pages of a copy leaves it; another decision takes it away.
    give(&mut benches, part(2, &[3], &[[5, 5, 10, 10]], false)).unwrap();
    assert!(benches.copy(&one.id, "r_1").is_ok());
    give(&mut benches, part(2, &[], &[[5, 5, 10, 10]], false)).unwrap();
    assert!(benches.copy(&one.id, "r_1").is_err());
    assert_eq!(
        benches.one(&one.id, "r_1").unwrap().state,
        ReviewState::Open
    );
}

#[test]
fn of_a_refused_pdf_nothing_is_held_but_why() {
    let rules = small();
    let mut benches = Benches::default();
    let one = member("one");
    let paged = ReviewView {
        paged: true,
        ..view("r_1")
    };
    let room = usize::try_from(rules.member.bytes).unwrap() - 15;
    let file = Zeroizing::new(vec![0; room]);
    benches.add(&one, paged, file, 0, &rules).unwrap();
    let job = benches.next().unwrap();
    benches.heard(&job, Ok(vec![Vec::new(); 3]), 0);
    // The first page finds room, the second none.
    for state in [ReviewState::Looking, ReviewState::Refused] {
        let job = benches.next().unwrap();
        benches.looked(&job, looked(vec![mark(Kind::MOBILE, 8.0)]), &rules, 0);
        assert_eq!(benches.one(&one.id, "r_1").unwrap().state, state);
    }
    let view = benches.one(&one.id, "r_1").unwrap();
    assert_eq!(view.problem, Some(ReviewProblem::NoRoom));
    assert!(view.marks.is_empty() && view.pages.is_empty());
    assert!(benches.shown(&one.id, "r_1", 1).is_err());
    put(&mut benches, &one, "r_2", room, 0).unwrap();
}
