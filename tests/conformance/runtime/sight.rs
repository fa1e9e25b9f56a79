//! What a service sees, and what others see of it.

use std::{
    fs,
    io::Read,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::Command,
    time::Duration,
};

use flashnode_core::ports::runtime::{ImageRef, Mount, PublishedPort};

use super::rig::{Kind, Rig};

pub async fn the_root_is_read_only(rig: &Rig) {
    let script = "for f in /usr/x /etc/x /x /config/x /data/x /tmp/x /run/x /dev/shm/x; do \
                  if touch $f 2>/dev/null; then echo $f yes; else echo $f no; fi; done; echo done";
    let spec = rig.start("writer", script).await;
    rig.line(&spec, "done").await;
    let wanted = [
        "/usr/x no",
        "/etc/x no",
        "/x no",
        "/config/x no",
        "/data/x yes",
        "/tmp/x yes",
        "/run/x yes",
        "/dev/shm/x yes",
    ];
    assert_eq!(rig.log(&spec).await[..8], wanted);
    assert!(spec.mounts[0].host.join("x").exists(), "its data is on the host");
}

pub async fn its_ports_answer_on_this_machine_only(rig: &Rig) {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let script = format!(
        "exec perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => {port}, \
         Listen => 5, ReuseAddr => 1) or die; print \"ready\\n\"; while ($c = $s->accept) {{ print $c \"hello\"; close $c }}' "
    );
    // In its own network a service listens on every address; which of the host's are open is the runtime's affair.
    let address = if rig.kind == Kind::Process { "127.0.0.1" } else { "0.0.0.0" };
    let mut spec = rig.spec("server", &format!("{script}{address}"));
    spec.ports = vec![PublishedPort { inside: port, host: port, world: false }];
    rig.runtime.start(&spec).await.expect("it starts");
    rig.line(&spec, "ready").await;
    let mut text = String::new();
    let connected =
        TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| stream.read_to_string(&mut text));
    connected.expect("it answers on the loopback address");
    assert_eq!(text, "hello");
    if let Some(outer) = outer_address() {
        let tried = TcpStream::connect_timeout(&SocketAddr::new(outer, port), Duration::from_secs(2));
        assert!(tried.is_err(), "it must not answer on {outer}");
    }
}

/// An address of this machine that is not the loopback. A UDP socket learns it without sending anything.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback())
}

pub async fn no_secret_can_be_seen_from_outside(rig: &Rig) {
    let secret = format!("hunter-{:016x}", std::process::id());
    let spec = rig.spec(
        "keeper",
        "cp /config/password /data/seen && chmod 600 /data/seen; echo ready; exec sleep 1000",
    );
    rig.spec_file(&spec, "password", &secret);
    rig.runtime.start(&spec).await.expect("it starts");
    rig.line(&spec, "ready").await;
    let seen = fs::read_to_string(spec.mounts[0].host.join("seen")).expect("the service can read its secret");
    assert_eq!(seen, secret);
    let mut places = vec![("the log".to_owned(), rig.log(&spec).await.join("\n"))];
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        for file in ["cmdline", "environ"] {
            let path = entry.path().join(file);
            // Processes come and go while we look.
            let bytes = fs::read(&path).unwrap_or_default();
            places.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    for entry in fs::read_dir(rig.box_dir.join("services/keeper/run")).into_iter().flatten().flatten() {
        let bytes = fs::read(entry.path()).expect("a file of the runtime");
        places.push((entry.path().display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    if rig.kind == Kind::Docker {
        let container = format!("flashnode-{}-keeper", rig.box_name());
        let output =
            Command::new("docker").args(["inspect", &container]).output().expect("the docker program runs");
        assert!(output.status.success(), "the container can be inspected");
        places.push(("inspect".to_owned(), String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    for (place, text) in places {
        assert!(!text.contains(&secret), "the secret stands in {place}");
    }
}

/// Our own roles run from the host's files; only the process runtime can do that.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_the_host_does_not_see_the_box() {
    let rig = Rig::process();
    fs::create_dir_all(rig.box_dir.join("supervisor")).expect("a folder");
    fs::write(rig.box_dir.join("supervisor/key"), "secret").expect("a file");
    let shown = rig.box_dir.join("shown");
    fs::create_dir_all(&shown).expect("a folder");
    let dir = rig.box_dir.display().to_string();
    let script = format!(
        "echo $(ls -A {dir}); cat {dir}/supervisor/key; touch {dir}/x {dir}/shown/x /usr/x; \
         test -e /data && test -e {dir}/services/role/config/file && echo mounted; \
         ls {dir}/shown; ls /run; echo top $(ls /); echo etc $(ls /etc); \
         for f in /root /home /var/log /etc/passwd /etc/shadow /etc/ssh; do test -e $f && echo saw $f; done; echo done"
    );
    let mut spec = rig.spec("role", &script);
    spec.image = ImageRef::Host;
    spec.on_host = true;
    rig.spec_file(&spec, "file", "x");
    // As our own roles have it: a folder of the box under a name that does not exist on the host.
    spec.mounts[1].inside = rig.box_dir.join("services/role/config");
    spec.mounts.push(Mount { host: shown.clone(), inside: shown.clone(), writable: false });
    rig.runtime.start(&spec).await.expect("it starts");
    rig.line(&spec, "done").await;
    let log = rig.log(&spec).await;
    assert_eq!(log[0], "services shown", "only what is mounted is there: {log:?}");
    assert!(log.iter().any(|line| line == "mounted"), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("secret") || line == "x"), "{log:?}");
    let starting = |word: &str| log.iter().find(|line| line.starts_with(word)).cloned().unwrap_or_default();
    assert!(!log.iter().any(|line| line.starts_with("saw ")), "the host's people stay unseen: {log:?}");
    for folder in ["home", "root", "boot", "srv", "opt", "mnt"] {
        assert!(!starting("top ").split(' ').any(|name| name == folder), "{folder}: {log:?}");
    }
    let known = ["etc", "hosts", "ld.so.cache", "localtime", "nsswitch.conf", "resolv.conf", "ssl"];
    assert!(starting("etc ").split(' ').all(|name| known.contains(&name)), "{log:?}");
    assert!(!Path::new(&dir).join("x").exists() && !shown.join("x").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_the_host_is_never_given_to_an_engine() {
    let Some(rig) = Rig::docker().await else { return };
    let mut spec = rig.spec("role", "true");
    spec.on_host = true;
    let error = rig.runtime.start(&spec).await.expect_err("an engine hides who calls").to_string();
    assert!(error.contains("must run beside the supervisor"), "{error}");
    assert!(rig.state(&spec).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_somebody_else_is_not_used() {
    let Some(rig) = Rig::docker().await else { return };
    let network = format!("flashnode-{}", rig.box_name());
    let docker = |args: &[&str]| {
        let output = Command::new("docker").args(args).output().expect("the docker program runs");
        assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    docker(&["network", "create", &network]);
    let started = rig.runtime.start(&rig.spec("guest", "true")).await;
    docker(&["network", "rm", &network]);
    let error = started.expect_err("others may be in it").to_string();
    assert!(error.contains("not this box's"), "{error}");
    assert!(rig.state(&rig.spec("guest", "true")).await.is_none(), "no container was made");
}
