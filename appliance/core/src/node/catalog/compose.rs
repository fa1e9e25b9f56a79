//! The compose files under `compose/`, rendered from the catalog: for those who want to see, in a language they know,
//! what the supervisor runs. `flashnode compose --check` fails when the committed ones differ.

use std::fmt::Write as _;

use super::{ALL, Context, Images, Presence, Service};
use crate::{control::Flavour, types::Network};

/// The folder that a compose file expects the box in.
const BOX: &str = "${FLASHNODE_BOX:-/var/lib/flashnode}";

/// `compose/NETWORK.yml`. `context` has placeholders for every credential: no secret is rendered.
pub fn render(images: &Images, context: &Context) -> String {
    let mut out = String::from(
        "# Rendered from images/catalog.toml by `flashnode compose`; do not edit.\n\
         # For reading and review: what the supervisor runs, service by service. It is not a way to run a box: files, users\n\
         # and credentials are the supervisor's work.\n",
    );
    let network = context.network;
    let _ = writeln!(out, "name: flashnode-{network}\nservices:");
    for service in ALL.iter().filter(|s| belongs(s.presence(), network)) {
        render_service(&mut out, *service, images, context);
    }
    out.push_str("networks:\n  flashnode: {}\n");
    out
}

fn belongs(presence: Presence, network: Network) -> bool {
    match presence {
        Presence::Always => false,
        Presence::Standard | Presence::Optional => true,
        Presence::Playground => network == Network::Regtest,
    }
}

fn render_service(out: &mut String, service: &dyn Service, images: &Images, context: &Context) {
    let name = service.name();
    // Core is the flavour that is pulled; Knots comes from a recipe and has no published digest.
    let Some(image) = images.of(&service.image(), Flavour::Core) else { return };
    let Some(reference) = &image.pulled else { return };
    let Ok(rendered) = service.render(context) else { return };
    let limits = service.limits(context.network);
    let _ = writeln!(out, "  {name}:");
    if let Some(reason) = image.refused(&image.version) {
        let _ = writeln!(out, "    # {reason}\n    profiles: [\"unavailable\"]");
    } else if service.presence() == Presence::Optional {
        let _ = writeln!(out, "    profiles: [\"{name}\"]");
    }
    let _ = writeln!(out, "    image: {reference}");
    let _ = writeln!(out, "    entrypoint: []\n    command:");
    for argument in &rendered.command {
        let _ = writeln!(out, "      - {}", quoted(argument));
    }
    let _ = writeln!(
        out,
        "    restart: \"no\"\n    read_only: true\n    tmpfs: [\"/tmp\", \"/run\"]\n    cap_drop: [\"ALL\"]"
    );
    let _ = writeln!(out, "    security_opt: [\"no-new-privileges:true\"]");
    let _ = writeln!(out, "    mem_limit: {}m\n    pids_limit: {}", limits.memory_mib, limits.pids);
    let _ = writeln!(out, "    stop_grace_period: {}s", service.stop_grace().as_secs());
    let _ = writeln!(out, "    networks: [\"flashnode\"]");
    let needs: Vec<String> = service.needs().iter().map(|need| format!("\"{need}\"")).collect();
    if !needs.is_empty() {
        let _ = writeln!(out, "    depends_on: [{}]", needs.join(", "));
    }
    let ports: Vec<_> = service.ports().iter().filter(|p| p.published).collect();
    if !ports.is_empty() {
        let _ = writeln!(out, "    ports:");
    }
    for port in ports {
        let number = context.ports.base + port.offset;
        let world = port.world && context.network != Network::Regtest;
        let _ = writeln!(
            out,
            "      - \"{}{number}:{number}\" # {}",
            if world { "" } else { "127.0.0.1:" },
            port.purpose
        );
    }
    let _ = writeln!(out, "    volumes:\n      - {BOX}/services/{name}/data:/data");
    let _ = writeln!(out, "      - {BOX}/services/{name}/config:/config:ro");
}

/// A YAML double-quoted scalar; compose reads `$` itself, so it is doubled.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('$', "$$");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::catalog::tests::full_context;

    #[test]
    fn every_image_has_a_digest_and_no_secret_is_rendered() {
        for network in Network::ALL {
            let text = render(&Images::built_in(), &full_context(network, true));
            assert!(!text.contains("s3cret"));
            for line in text.lines().filter(|l| l.trim_start().starts_with("image:")) {
                assert!(line.contains("@sha256:"), "{line}");
            }
        }
    }

    #[test]
    fn only_p2p_ports_face_the_world_and_none_on_regtest() {
        let mainnet = render(&Images::built_in(), &full_context(Network::Mainnet, true));
        let worldly: Vec<_> =
            mainnet.lines().filter(|l| l.contains("- \"2") && !l.contains("127.0.0.1")).collect();
        assert!(!worldly.is_empty() && worldly.iter().all(|l| l.ends_with("# p2p")), "{worldly:?}");
        let regtest = render(&Images::built_in(), &full_context(Network::Regtest, true));
        assert!(regtest.lines().filter(|l| l.contains("- \"2")).all(|l| l.contains("127.0.0.1")));
    }
}
