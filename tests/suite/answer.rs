use super::answer;
use jieda::{Library, Place, answer::Status, content::File};
use jiff::civil::{Date, date};
use std::fs;

const DAY: Date = date(2026, 11, 22);

/// `cases/answer/shipped.tsv`: a question, what comes of it, and the id of the first hit, the
/// outcome or the tree (or nothing).
#[test]
fn the_shipped_content_answers() {
    let library = Library::of(&Place::default().files().unwrap()).unwrap();
    let cases =
        super::cases("answer").into_iter().find(|case| case.ends_with("shipped.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in fs::read_to_string(cases).unwrap().lines().filter(|line| !line.starts_with('#')) {
        let [question, status, id] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let answer = answer(&library, question, DAY);
        let actual = match answer.status {
            Status::Answered(_) => "answered",
            Status::Outcome(_) => "outcome",
            Status::Ask => "ask",
            Status::Choose(_) => "choose",
            Status::Unknown => "unknown",
        };
        let first = match &answer.status {
            Status::Outcome(settled) => &settled.id,
            Status::Ask => answer.tree.as_ref().map_or("", |wanted| &wanted.tree),
            _ => answer.hits.first().map_or("", |hit| &*hit.entry.id),
        };
        if actual != status || (status != "unknown" && first != id) {
            wrong.push(format!(
                "{question}: {actual} {first} {:.2}, expected {status} {id}",
                answer.confidence
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A library of files that are given as text.
fn library(files: &[(&str, &str)]) -> Library {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).into(),
        bytes: Ok(text.as_bytes().to_vec()),
    };
    Library::of(&files.iter().map(file).collect::<Vec<_>>()).unwrap()
}

const OURS: [(&str, &str); 3] = [
    (
        "sources.toml",
        "[[source]]\nid = \"s\"\ntitle = \"规则\"\ndate = 2024-03-05\nsection = [{ id = \"1\", title = \"到账\" }]\n",
    ),
    ("topics.toml", "[[topic]]\nid = \"money\"\ntitle = \"钱\"\n"),
    (
        "faq/money/arrives.md",
        "+++\ntitle = \"退款多久到账？\"\nsources = [\"s#1\"]\nreview_by = 2025-01-01\nvalid_until = 2026-11-22\n+++\n退款在 3 天内到账。\n\n|方式|几天|\n|---|---|\n|钱包|1 天|\n|信用卡|7 天|\n",
    ),
];

#[test]
fn nothing_is_answered_from_what_is_no_longer_valid() {
    let library = library(&OURS);
    assert!(answer(&library, "退款多久到账", DAY).is_known());
    assert!(!answer(&library, "退款多久到账", date(2026, 11, 23)).is_known());
}

#[test]
fn age_is_said() {
    let library = library(&OURS);
    let entry = library.entry("money/arrives").unwrap().unwrap();
    assert_eq!(jieda::answer::remarks(&entry, date(2024, 12, 31)), [""; 0]);
    assert_eq!(
        jieda::answer::remarks(&entry, DAY),
        ["待复核：2025-01-01 应已重新核对", "资料日期 2024-03-05，请核对是否仍有效"]
    );
}

#[test]
fn the_row_that_is_asked_for_stands_behind_the_first_paragraph() {
    let answer = answer(&library(&OURS), "信用卡退款多久到账", DAY);
    let Status::Answered(passage) = answer.status else { panic!("{:?}", answer.status) };
    assert_eq!(passage.say, "退款在 3 天内到账。");
    assert_eq!(passage.text, "退款在 3 天内到账。\n信用卡；几天：7 天");
}

#[test]
fn entries_with_the_same_text_are_one_hit() {
    let text = "# 退款\n\n退款在三天内到账。\n";
    let library =
        library(&[("a.md", text), ("b/a.md", text), ("c.md", "# 换货\n\n换货要七天。\n")]);
    let found = jieda::search::search(&library.index, "退款", DAY, 5, false).unwrap();
    assert_eq!(found.hits[0].entry.id, "a");
    assert_eq!(found.hits[0].also_at, ["b/a"]);
    assert!(found.hits.iter().skip(1).all(|hit| hit.entry.id != "b/a"));
}

#[test]
fn a_long_passage_ends_with_a_sentence() {
    let long = format!("# 退款\n\n{}\n", "退款在三天内到账，节假日顺延到下一个工作日。".repeat(40));
    let answer = answer(&library(&[("a.md", &long), ("b.md", "# 换货\n\n另说。\n")]), "退款", DAY);
    let Status::Answered(passage) = answer.status else { panic!("{:?}", answer.status) };
    assert!(
        passage.text.chars().count() <= 400 && passage.text.ends_with('。'),
        "{}",
        passage.text
    );
}

#[test]
fn what_nobody_has_is_named() {
    let answer = answer(&library(&OURS), "专利年费怎么交", DAY);
    assert!(!answer.is_known());
    assert_eq!(answer.question.unmatched(), ["专利", "年费"]);
}

#[test]
fn an_empty_library_and_an_empty_question_are_unknown() {
    assert!(!answer(&library(&[]), "退款", DAY).is_known());
    for question in ["", "   ", "？！", "\u{200B}"] {
        assert!(!answer(&library(&OURS), question, DAY).is_known(), "{question:?}");
    }
}

#[test]
fn only_the_first_500_characters_count() {
    let library = library(&OURS);
    let long = format!("退款多久到账{}", "啊".repeat(10_000));
    let answer = answer(&library, &long, DAY);
    assert!(answer.question.cut);
    assert_eq!(answer.question.asked.chars().count(), 500);
}

const GUIDE: &str = "## 打印机\n\n三楼的打印机是新的。\n\n### 卡纸\n\n打开后盖，抽出纸。\n\n### 投诉\n\n打 12345。\n\n## 价格\n\n|产品|价格|\n|---|---|\n|七号|21 元|\n|八号|24 元|\n";

/// Imported text answers from where the question is met, down to the next heading, and with one row of a table.
#[test]
fn a_passage_ends_where_its_subject_does() {
    #[track_caller]
    fn check(question: &str, expected: &str) {
        let answer = answer(&library(&[("a.md", GUIDE)]), question, DAY);
        let Status::Answered(passage) = answer.status else { panic!("{:?}", answer.status) };
        assert_eq!(passage.text, expected);
    }
    check("打印机卡纸", "打开后盖，抽出纸。");
    check("七号价格", "七号；价格：21 元");
}

/// An entry about one product answers only a question that names it.
#[test]
fn an_answer_about_another_product_is_none() {
    let library = library(&[
        OURS[0],
        OURS[1],
        ("domains/product.toml", "title = \"产品\"\n[value]\ncard = [\"会员卡\", \"月卡\"]\n"),
        (
            "faq/money/card.md",
            "+++\ntitle = \"会员卡退款多久到账？\"\nask = [\"退款多久到账\"]\nsources = [\"s#1\"]\n[scope]\nproduct = [\"card\"]\n+++\n会员卡不退款。\n",
        ),
        ("faq/money/post.md", "+++\ntitle = \"运费谁出？\"\nsources = [\"s#1\"]\n+++\n买家出。\n"),
    ]);
    assert!(matches!(answer(&library, "会员卡退款多久到账", DAY).status, Status::Answered(_)));
    let other = answer(&library, "钱包退款多久到账", DAY);
    assert!(!matches!(other.status, Status::Answered(_)), "{}", other.confidence);
}

/// Money, reasons and the like are told by an entry, or it does not answer a question for them.
#[test]
fn an_entry_that_does_not_tell_what_is_asked_for_does_not_answer() {
    let terms = "[[aspect]]\nasked = [\"多少钱\", \"手续费\"]\ntold = [\"元\", \"费\"]\n";
    let silent = [OURS[0], OURS[1], OURS[2], ("terms.toml", terms)];
    let post = (
        "faq/money/post.md",
        "+++\ntitle = \"退款的手续费\"\nask = [\"退款多少钱到账\"]\nsources = [\"s#1\"]\n+++\n收 2 元。\n",
    );
    let telling = [&silent[..], &[post]].concat();
    assert!(matches!(
        answer(&library(&OURS), "退款多久到账，多少钱", DAY).status,
        Status::Answered(_)
    ));
    assert!(!matches!(
        answer(&library(&silent), "退款多久到账，多少钱", DAY).status,
        Status::Answered(_)
    ));
    let told = answer(&library(&telling), "退款多少钱到账", DAY);
    assert_eq!(told.hits[0].entry.id, "money/post");
    assert!(matches!(told.status, Status::Answered(_)));
}

/// What lies close to the answer is said behind it, under its own title; what is read out is the first alone.
#[test]
fn what_lies_close_is_said_too() {
    let entry = |title: &str, say: &str| {
        format!("+++\ntitle = \"{title}\"\nsources = [\"s#1\"]\n+++\n{say}\n")
    };
    let (refund, exchange) =
        (entry("退款要什么单据？", "要收据。"), entry("换货要什么单据？", "要发票。"));
    let files = [
        OURS[0],
        OURS[1],
        ("faq/money/exchange.md", &*exchange),
        ("faq/money/refund.md", &*refund),
        ("faq/money/post.md", "+++\ntitle = \"运费谁出？\"\nsources = [\"s#1\"]\n+++\n买家出。\n"),
    ];
    let library = library(&files);
    let Status::Answered(passage) = answer(&library, "请问一下要什么单据的呢", DAY).status
    else {
        panic!()
    };
    let (first, other) = ("要发票。", "另见《退款要什么单据？》：要收据。");
    assert_eq!((&*passage.say, &*passage.text), (first, &*format!("{first}\n{other}")));
    let Status::Answered(passage) = answer(&library, "换货要什么单据？", DAY).status else {
        panic!()
    };
    assert_eq!(passage.text, first, "who asks by the title means this entry");
}

/// What is best does not depend on how many hits are asked for.
#[test]
fn fewer_hits_are_the_first_of_more() {
    let library = Library::of(&Place::default().files().unwrap()).unwrap();
    for question in ["按量付费", "服务器", "怎么验证产品", "接入备案收费吗"] {
        let ids = |top: usize| {
            let found = jieda::search::search(&library.index, question, DAY, top, false).unwrap();
            found.hits.into_iter().map(|hit| hit.entry.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(1)[..], ids(10)[..1], "{question}");
        assert_eq!(ids(3)[..], ids(10)[..3], "{question}");
    }
}

/// `cases/answer/slips.tsv`: a question, and how it is understood; as typed if it is asked for.
#[test]
fn slips_are_mended() {
    let library = Library::of(&Place::default().files().unwrap()).unwrap();
    let cases =
        super::cases("answer").into_iter().find(|case| case.ends_with("slips.tsv")).unwrap();
    for line in fs::read_to_string(cases).unwrap().lines().filter(|line| !line.starts_with('#')) {
        let (typed, understood) = line.split_once('\t').unwrap();
        let read = |exact| {
            let found = jieda::search::search(&library.index, typed, DAY, 1, exact).unwrap();
            (found.question.understood().to_owned(), found.question.corrections)
        };
        let (text, corrections) = read(false);
        assert_eq!(text, understood, "{typed}");
        for correction in corrections {
            assert!(typed.contains(&correction.from), "{typed}: {correction:?}");
        }
        assert_eq!(read(true).1, [], "{typed}");
    }
}

/// A question with two intentions gets both answers.
#[test]
fn two_intentions_get_two_answers() {
    let library = Library::of(&Place::default().files().unwrap()).unwrap();
    let answer = answer(&library, "香港服务器要备案吗？另外短信验证码是几位数字", DAY);
    assert!(matches!(answer.status, Status::Answered(_)));
    let ids = [&*answer.hits[0].entry.id, &*answer.also[0].0.id];
    assert!(ids.contains(&"sms/code-length") && ids.contains(&"need-filing/hongkong"), "{ids:?}");
}

/// `cases/answer/suggest.tsv`: what somebody has typed, and the first completion.
#[test]
fn what_is_typed_is_completed() {
    let library = Library::of(&Place::default().files().unwrap()).unwrap();
    let cases =
        super::cases("answer").into_iter().find(|case| case.ends_with("suggest.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in fs::read_to_string(cases).unwrap().lines().filter(|line| !line.starts_with('#')) {
        let (typed, expected) = line.split_once('\t').unwrap();
        let suggestions = library.suggest(typed, 8).unwrap();
        let first = suggestions.first().map_or("", |suggestion| suggestion.text);
        if first != expected {
            wrong.push(format!("{typed}: {first}, expected {expected}"));
        }
        let entries: Vec<&str> = suggestions.iter().filter_map(|one| one.id).collect();
        let different: std::collections::HashSet<_> = entries.iter().collect();
        assert_eq!(entries.len(), different.len(), "{typed}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(library.suggest("备", 3).unwrap().len(), 3);
}
