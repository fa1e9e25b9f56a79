//! What a service writes.

use flashnode_core::ports::runtime::{LOG_LINE_MAX, LogFrom};

use super::rig::Rig;

pub async fn a_log_can_be_followed_from_a_cursor(rig: &Rig) {
    let script = "i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; echo half; \
                  while [ ! -e /data/go ]; do sleep 0.05; done; \
                  while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done; echo end; exec sleep 1000";
    let spec = rig.start("talker", script).await;
    rig.line(&spec, "half").await;
    let tail = rig.runtime.log(&spec.service, LogFrom::Tail, 3).await.expect("a tail");
    let texts: Vec<&str> = tail.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["line 48", "line 49", "half"]);
    std::fs::write(spec.mounts[0].host.join("go"), "").expect("a go");
    rig.line(&spec, "end").await;
    let rest = follow(rig, &spec, tail.next, 7).await;
    let wanted: Vec<String> = (50..100).map(|i| format!("line {i}")).chain(["end".to_owned()]).collect();
    assert_eq!(rest, wanted, "from the cursor on, nothing twice and nothing lost");
    // An empty cursor is the oldest line there is: this is how a whole log is downloaded.
    let all = follow(rig, &spec, String::new(), 11).await;
    assert_eq!((all.len(), all[0].as_str(), all[50].as_str()), (102, "line 0", "half"));
}

async fn follow(
    rig: &Rig,
    spec: &flashnode_core::ports::runtime::Spec,
    from: String,
    step: usize,
) -> Vec<String> {
    let (mut cursor, mut lines, mut last) = (from, Vec::new(), 0);
    loop {
        let page = rig.runtime.log(&spec.service, LogFrom::Cursor(cursor), step).await.expect("a page");
        assert!(page.lines.len() <= step);
        for line in &page.lines {
            assert!(line.at.0 >= last, "lines come in order");
            last = line.at.0;
        }
        if page.lines.is_empty() {
            return lines;
        }
        lines.extend(page.lines.into_iter().map(|line| line.text));
        cursor = page.next;
    }
}

pub async fn a_hostile_log_is_made_safe(rig: &Rig) {
    let script = "head -c 10485760 /dev/zero | tr '\\0' x; echo; \
                  printf '\\033[31mred\\033[0m \\033]0;title\\007<b onclick=x>bold</b>\\r\\n\\377\\n'; echo done";
    let spec = rig.start("hostile", script).await;
    rig.exit(&spec).await;
    rig.line(&spec, "done").await;
    let log = rig.log(&spec).await;
    assert!(log.iter().all(|line| line.len() <= LOG_LINE_MAX), "no line is too long");
    assert!(log.iter().flat_map(|line| line.chars()).all(|c| c == '\t' || !c.is_control()));
    let after: Vec<&str> = log.iter().skip_while(|line| line.starts_with('x')).map(String::as_str).collect();
    assert_eq!(after, ["red <b onclick=x>bold</b>", "\u{fffd}", "done"]);
    let whole = follow(rig, &spec, String::new(), 100).await;
    assert_eq!(whole.len(), 4, "a line of 10 MB is one line");
    assert!(whole[0].len() <= LOG_LINE_MAX && whole[0].ends_with("[cut]"));
}
