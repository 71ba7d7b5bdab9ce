//! Metric points.

use gangplank_core::{ServiceId, Time};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::metric_points::{Measured, MetricPoint, POINT, Sample};

use crate::world::{by, create_service, here, service_id};

metadata_contract! {
    samples_of_five_minutes_make_one_point,
    a_span_has_its_start_and_not_its_end,
    services_are_told_apart,
    old_points_are_forgotten_in_steps,
    a_services_points_are_forgotten_alone,
    points_go_with_their_service,
    what_is_measured_of_a_service_that_is_gone_is_left_out,
}

/// The beginning of a point.
const BEGIN: Time = Time(1_800_000_000_000);

const FOR_EVER: (Time, Time) = (Time(i64::MIN), Time(i64::MAX));

fn minutes(minutes: u64) -> Time {
    BEGIN.plus(std::time::Duration::from_mins(minutes))
}

async fn service(db: &dyn Metadata, name: &str) -> ServiceId {
    create_service(db, &here(), name).await;
    service_id(db, &here(), name).await
}

async fn add(db: &dyn Metadata, service: ServiceId, at: Time, processor: f64, memory: f64) {
    db.add_samples(at, vec![Sample { service, processor, memory }]).await.unwrap();
}

async fn points(db: &dyn Metadata, service: ServiceId, (start, end): (Time, Time)) -> Vec<MetricPoint> {
    db.metric_points(service, start, end).await.unwrap()
}

async fn times(db: &dyn Metadata, service: ServiceId, span: (Time, Time)) -> Vec<Time> {
    points(db, service, span).await.into_iter().map(|point| point.at).collect()
}

async fn samples_of_five_minutes_make_one_point(db: &dyn Metadata) {
    let web = service(db, "web").await;
    assert_eq!(points(db, web, FOR_EVER).await, []);
    for (minute, processor, memory) in [(0, 10.0, 50.0), (1, 30.0, 40.0), (4, 20.5, 60.0), (5, 0.0, 1.0)] {
        add(db, web, minutes(minute), processor, memory).await;
    }
    let measured = |minimum, maximum, sum| Measured { minimum, maximum, sum };
    let first = MetricPoint {
        at: BEGIN,
        samples: 3,
        processor: measured(10.0, 30.0, 60.5),
        memory: measured(40.0, 60.0, 150.0),
    };
    let second = MetricPoint {
        at: BEGIN.plus(POINT),
        samples: 1,
        processor: measured(0.0, 0.0, 0.0),
        memory: measured(1.0, 1.0, 1.0),
    };
    assert_eq!(points(db, web, FOR_EVER).await, [first, second]);
}

async fn a_span_has_its_start_and_not_its_end(db: &dyn Metadata) {
    let web = service(db, "web").await;
    for minute in [10, 0, 5, 15] {
        add(db, web, minutes(minute), 1.0, 1.0).await;
    }
    assert_eq!(times(db, web, (minutes(5), minutes(15))).await, [minutes(5), minutes(10)]);
    assert_eq!(times(db, web, (Time(minutes(5).0 + 1), minutes(11))).await, [minutes(10)]);
    assert_eq!(times(db, web, (minutes(5), minutes(5))).await, []);
    assert_eq!(times(db, web, (minutes(15), minutes(5))).await, []);
}

async fn services_are_told_apart(db: &dyn Metadata) {
    let (web, api) = (service(db, "web").await, service(db, "api").await);
    let sample = |service, processor| Sample { service, processor, memory: 0.0 };
    db.add_samples(BEGIN, vec![sample(web, 1.0), sample(api, 2.0)]).await.unwrap();
    db.add_samples(BEGIN, Vec::new()).await.unwrap();
    for (service, sum) in [(web, 1.0), (api, 2.0)] {
        let points = points(db, service, FOR_EVER).await;
        assert_eq!(
            points.iter().map(|point| (point.samples, point.processor.sum)).collect::<Vec<_>>(),
            [(1, sum)]
        );
    }
}

async fn old_points_are_forgotten_in_steps(db: &dyn Metadata) {
    let (web, api) = (service(db, "web").await, service(db, "api").await);
    for minute in [0, 5, 10] {
        add(db, web, minutes(minute), 1.0, 1.0).await;
        add(db, api, minutes(minute), 1.0, 1.0).await;
    }
    assert_eq!(db.forget_metric_points(BEGIN, 9).await.unwrap(), 0);
    assert_eq!(db.forget_metric_points(minutes(10), 3).await.unwrap(), 3);
    assert_eq!(db.forget_metric_points(minutes(10), 3).await.unwrap(), 1);
    assert_eq!(db.forget_metric_points(minutes(10), 3).await.unwrap(), 0);
    for service in [web, api] {
        assert_eq!(times(db, service, FOR_EVER).await, [minutes(10)]);
    }
}

async fn a_services_points_are_forgotten_alone(db: &dyn Metadata) {
    let (web, api) = (service(db, "web").await, service(db, "api").await);
    for service in [web, api] {
        add(db, service, BEGIN, 1.0, 1.0).await;
    }
    db.forget_metrics_of(web).await.unwrap();
    assert_eq!(points(db, web, FOR_EVER).await, []);
    assert_eq!(times(db, api, FOR_EVER).await, [BEGIN]);
}

async fn points_go_with_their_service(db: &dyn Metadata) {
    let web = service(db, "web").await;
    add(db, web, BEGIN, 1.0, 1.0).await;
    assert!(db.delete_service(&by(), &here(), web, BEGIN).await.unwrap());
    assert_eq!(points(db, web, FOR_EVER).await, []);
    let again = service(db, "web").await;
    assert_eq!(points(db, again, FOR_EVER).await, []);
}

async fn what_is_measured_of_a_service_that_is_gone_is_left_out(db: &dyn Metadata) {
    let (web, gone) = (service(db, "web").await, ServiceId(i64::MAX));
    let sample = |service| Sample { service, processor: 1.0, memory: 1.0 };
    db.add_samples(BEGIN, vec![sample(gone), sample(web)]).await.unwrap();
    assert_eq!(times(db, web, FOR_EVER).await, [BEGIN]);
    assert_eq!(points(db, gone, FOR_EVER).await, []);
}
