//! `flashnode playground mine N | fund ADDRESS SATS | info`

use flashnode_core::control::{PlaygroundOrder, PlaygroundView, Request};

use super::{Shell, answer, exit::Failure};

/// Arguments of `playground`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, clap::Subcommand)]
enum Order {
    /// Mine this many blocks.
    Mine {
        /// Blocks.
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
        blocks: u32,
    },
    /// Send sats from the faucet.
    Fund {
        /// A regtest address.
        address: String,
        /// Sats.
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        sats: u64,
    },
    /// What there is.
    Info,
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    let order = match &args.order {
        Order::Mine { blocks } => PlaygroundOrder::Mine { blocks: *blocks },
        Order::Fund { address, sats } => PlaygroundOrder::Fund { address: address.clone(), sats: *sats },
        Order::Info => PlaygroundOrder::Info,
    };
    let view = answer!(shell, Request::Playground { order } => Playground)?;
    shell.out.show(&view, text)
}

fn text(view: &PlaygroundView) -> String {
    let mut lines = vec![format!("Block {}. {} sats in the faucet.", view.height, view.faucet_sats)];
    lines.push(match (&view.outside, view.channel) {
        (None, _) => "The outside node does not answer yet.".to_owned(),
        (Some(key), None) => format!("Outside node {key}; the channel to it is not open yet."),
        (Some(key), Some((capacity, ours))) => {
            format!("Outside node {key}; channel of {capacity} sats, {ours} of them ours.")
        }
    });
    lines.extend(view.txid.iter().map(|txid| format!("Sent in {txid}.")));
    lines.join("\n")
}
