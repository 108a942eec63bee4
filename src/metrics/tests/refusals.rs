//! The reader of the tests refuses what is wrong: otherwise its yes would mean nothing.

use super::exposition::read;
use crate::metrics::Format;

const HEAD: &str = "# HELP a_total A.\n# TYPE a_total counter\n";

#[test]
fn the_reader_takes_both_formats() {
    let histogram = "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3.5\n";
    let summary = "# HELP s S.\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"1.0\"} 2\n";
    let plain = format!("{HEAD}a_total{{b=\"c\\\"\\\\\\n\"}} 1e9\na_total 2\n{histogram}{summary}");
    let read_plain = read(&plain, Format::Plain).unwrap();
    assert_eq!(read_plain.names.len(), 5);
    assert_eq!(read_plain.value("a_total{\"b\": \"c\\\"\\\\\\n\"}"), "1e9");
    let open = format!("# HELP a A.\n# TYPE a counter\na_total 1\n{histogram}{summary}# EOF\n");
    assert_eq!(read(&open, Format::OpenMetrics).unwrap().names.len(), 5);
}

#[test]
fn the_reader_refuses_what_is_wrong_in_plain_text() {
    let bodies = [
        "",
        "a_total 1",
        "b_total 1\n",
        "a_total\n",
        "a_total x\n",
        "a_total NaN\n",
        "a_total 1 5\n",
        "a_total  1\n",
        "a_total -1\n",
        "a_total 1\r\n",
        "a_total 1\n\n",
        "a_total 1\na_total 2\n",
        "a_total{} 1\n",
        "a_total{b=\"c\",b=\"d\"} 1\n",
        "a_total{b=\"c} 1\n",
        "a_total{b=c} 1\n",
        "a_total{b=\"\\t\"} 1\n",
        "a_total{1=\"c\"} 1\n",
        "a_total{__b=\"c\"} 1\n",
        "a_total{b=\"c\",} 1\n",
        "a_total{b=\"c\"}1\n",
        "a_total{b=\"c\"d\"} 1\n",
        "a_total{quantile=\"0.5\"} 1\n",
        "a_total{le=\"1.0\"} 1\n",
        "a_total 1\n# EOF\n",
        "a_total 1\n# UNIT a_total x\n",
        "a_total 1\n# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n",
        "a_total 1\n# HELP b B.\n",
        "a_total 1\n# HELP b B.\n# TYPE c gauge\nb 1\n",
        "a_total 1\n# HELP b B.\n# TYPE b counter\nb 1\n",
        "a_total 1\n# HELP b B.\n# TYPE b info\nb_info 1\n",
        "a_total 1\n# HELP a A.\n# TYPE a gauge\na 1\n",
        "a_total 1\n# HELP b \n# TYPE b gauge\nb 1\n",
        "a_total 1\n# HELP b \\t\n# TYPE b gauge\nb 1\n",
    ];
    for body in bodies {
        assert!(read(&format!("{HEAD}{body}"), Format::Plain).is_err(), "{body:?}");
    }
    assert!(read("a 1\n", Format::Plain).is_err());
    assert!(read("# TYPE a gauge\n# HELP a A.\na 1\n", Format::Plain).is_err());
}

#[test]
fn the_reader_refuses_histograms_and_summaries_that_do_not_fit() {
    let cases = [
        ("histogram", "h_bucket{le=\"1.0\"} 1\nh_count 1\nh_sum 1\n"),
        ("histogram", "h_bucket{le=\"+Inf\"} 1\nh_count 2\nh_sum 1\n"),
        ("histogram", "h_bucket{le=\"+Inf\"} 1\nh_count 1\n"),
        ("histogram", "h_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n"),
        (
            "histogram",
            "h_bucket{le=\"2.0\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n",
        ),
        ("histogram", "h_bucket 1\nh_count 1\nh_sum 1\n"),
        ("summary", "h 1\n"),
        ("summary", "h{quantile=\"1.5\"} 1\n"),
        ("summary", "h{quantile=\"1\"} 1\n"),
        ("summary", "h{quantile=\"x\"} 1\n"),
        ("summary", "h{quantile=\"0.5\"} 2\nh{quantile=\"0.9\"} 1\n"),
    ];
    for (kind, body) in cases {
        assert!(read(&format!("# HELP h H.\n# TYPE h {kind}\n{body}"), Format::Plain).is_err(), "{body}");
    }
}

#[test]
fn the_reader_refuses_plain_text_as_openmetrics() {
    for text in [
        "# HELP a A.\n# TYPE a counter\na_total 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n\n",
        "# HELP a A.\n# TYPE a untyped\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a info\na_info 2\n# EOF\n",
        "# HELP a \"A\".\n# TYPE a gauge\na 1\n# EOF\n",
    ] {
        assert!(read(text, Format::OpenMetrics).is_err(), "{text}");
    }
}
