//! Pages in both directions.

use proptest::prelude::*;

use super::*;

fn numbered(world: &World, numbers: std::ops::Range<i64>) {
    for number in numbers {
        world.add_at(minutes(number), &number.to_string());
    }
}

fn limits(lines: usize) -> PageLimits {
    PageLimits { lines, ..PageLimits::default() }
}

/// Reads all pages; returns the texts of each.
fn pages(world: &World, first: &Wanted) -> Vec<Vec<String>> {
    let (mut found, mut wanted) = (Vec::new(), first.clone());
    loop {
        let page = world.page(wanted.clone());
        found.push(texts(&page));
        let Some(next) = page.next else { return found };
        assert!(found.len() < 10_000, "pages go on for ever");
        wanted.from = Some(next);
    }
}

fn strings(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

#[test]
fn without_times_the_newest_page_comes_first_and_older_ones_after_it() {
    let world = World::new();
    numbered(&world, 0..250);
    let found = pages(&world, &Wanted { limits: limits(100), ..all() });
    assert_eq!(found, [strings(150..250), strings(50..150), strings(0..50)]);
    let until = Wanted { end: Some(minutes(99)), limits: limits(60), ..all() };
    assert_eq!(pages(&world, &until), [strings(40..100), strings(0..40)]);
}

#[test]
fn with_a_start_pages_go_forward() {
    let world = World::new();
    numbered(&world, 0..250);
    let wanted = Wanted { start: Some(minutes(20)), limits: limits(100), ..all() };
    assert_eq!(pages(&world, &wanted), [strings(20..120), strings(120..220), strings(220..250)]);
    let span = Wanted { start: Some(minutes(20)), end: Some(minutes(22)), ..all() };
    assert_eq!(pages(&world, &span), [strings(20..=22)], "both ends are in");
    let none = Wanted { start: Some(minutes(1_000)), ..all() };
    assert_eq!(pages(&world, &none), [strings(0..0)]);
}

#[test]
fn a_page_has_so_many_bytes_or_one_line() {
    let world = World::new();
    for length in [10, 10, 50, 5, 200, 1] {
        world.add(&"x".repeat(length));
    }
    let limits = PageLimits { bytes: 60, ..PageLimits::default() };
    let lengths = |wanted: &Wanted| -> Vec<Vec<usize>> {
        pages(&world, wanted).iter().map(|page| page.iter().map(String::len).collect()).collect()
    };
    let forward = Wanted { start: Some(Time(0)), limits, ..all() };
    assert_eq!(lengths(&forward), [vec![10, 10], vec![50, 5], vec![200], vec![1]]);
    let back = Wanted { limits, ..all() };
    assert_eq!(lengths(&back), [vec![1], vec![200], vec![50, 5], vec![10, 10]]);
}

#[test]
fn what_is_read_for_a_page_is_bounded_also_if_nothing_matches() {
    let world = World::new();
    numbered(&world, 0..1_000);
    let limits = PageLimits { read: 5_000, ..PageLimits::default() };
    for start in [None, Some(Time(0))] {
        let none = Wanted { start, filter: LogFilter::parse("ERROR").unwrap(), limits, ..all() };
        let found = pages(&world, &none);
        assert!(found.iter().all(Vec::is_empty));
        assert!((5..50).contains(&found.len()), "{} pages", found.len());
        let one = Wanted { filter: LogFilter::parse("777").unwrap(), ..none };
        assert_eq!(pages(&world, &one).concat(), ["777"]);
    }
}

#[test]
fn a_page_goes_on_where_the_last_one_ended_while_lines_come() {
    let world = World::new();
    numbered(&world, 0..100);
    let wanted = Wanted { start: Some(Time(0)), limits: limits(40), ..all() };
    let first = world.page(wanted.clone());
    let newest = world.page(Wanted { limits: limits(40), ..all() });
    assert_eq!(texts(&newest), strings(60..100));
    numbered(&world, 100..300);
    let older = Wanted { from: newest.next, limits: limits(1_000), ..all() };
    assert_eq!(texts(&world.page(older)), strings(0..60), "none twice, none left out");
    let rest = Wanted { from: first.next, limits: limits(1_000), ..wanted };
    assert_eq!(texts(&world.page(rest)), strings(40..300));
}

#[test]
fn a_page_goes_on_after_its_file_is_gone() {
    let world = World::new();
    numbered(&world, 0..300);
    let first = world.page(Wanted { start: Some(Time(0)), limits: limits(10), ..all() });
    let newest = world.page(Wanted { limits: limits(10), ..all() });
    let now = minutes(180).plus(KEPT.age);
    world.logs().forget_old(now).unwrap();
    let left = world.texts();
    assert!(left.len() < 180 && left.len() >= 120 && left.ends_with(&strings(290..300)), "{left:?}");
    let rest = Wanted { start: Some(Time(0)), from: first.next, ..all() };
    assert_eq!(texts(&world.page(rest)), left);
    let older = Wanted { from: newest.next, ..all() };
    assert_eq!(texts(&world.page(older)), left[..left.len() - 10]);
    std::fs::remove_dir_all(world.root()).unwrap();
    let gone = world.page(Wanted { from: newest.next, ..all() });
    assert!(gone.lines.is_empty() && gone.next.is_none());
}

#[test]
fn a_line_that_came_late_stands_where_its_time_is() {
    let world = World::new();
    numbered(&world, 60..240);
    world.add_at(minutes(100), "late");
    world.add_at(minutes(-5_000), "very late");
    numbered(&world, 240..250);
    let texts = world.texts();
    assert_eq!(texts[0], "very late");
    let at = texts.iter().position(|text| text == "late").unwrap();
    assert_eq!((texts[at - 1].as_str(), texts[at + 1].as_str()), ("100", "101"));
    assert_eq!(texts.len(), 192);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn pages_have_every_line_that_is_wanted_once(
        spots in prop::collection::vec((0_i64..300, "[ab]{0,3}"), 0..60),
        span in (0_i64..300, 0_i64..300),
        has_start: bool,
        has_end: bool,
        is_filtered: bool,
        lines in 1_usize..9,
        bytes in 1_usize..20,
        read in 1_u64..2_000,
    ) {
        // Small files, so that pages end within and between them.
        let kept = LogsKept { age: KEPT.age, bytes: 8_000 };
        let world = World::keeping(kept, Room::default());
        for (minute, text) in &spots {
            world.add_at(minutes(*minute), text);
        }
        let (start, end) = (has_start.then(|| minutes(span.0)), has_end.then(|| minutes(span.1)));
        let filter = LogFilter::parse(if is_filtered { "a" } else { "" }).unwrap();
        let limits = PageLimits { lines, bytes, read };
        let mut expected: Vec<String> = spots
            .iter()
            .filter(|(minute, text)| {
                let at = minutes(*minute);
                start.is_none_or(|start| start <= at) && end.is_none_or(|end| at <= end) && (!is_filtered || text.contains('a'))
            })
            .map(|(_, text)| text.clone())
            .collect();
        let mut found = pages(&world, &Wanted { start, end, filter, from: None, limits }).concat();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}
