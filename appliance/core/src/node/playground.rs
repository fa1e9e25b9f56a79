//! The regtest world: a miner, a funded faucet, and a balanced channel to the outside node. Everything it does goes
//! through credentials of its own, which the catalog declares like all others. On other networks it does nothing.
//!
//! Even without a playground a regtest chain needs a block now and then: bitcoind counts as downloading while its
//! tip is old, electrs waits for that, and a box that was off overnight would never get good.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    catalog::{BITCOIND, Context, LND, OUTSIDE, PLAYGROUND},
    edges::Right,
    reconcile::task::Node,
};
use crate::{
    control::{PlaygroundOrder, PlaygroundView},
    error::{Error, Result},
    ports::{PortResult, bitcoin::Bitcoin, lightning::Lightning},
    types::{Network, ServiceName, Timestamp},
};

/// A block every half minute.
const BLOCK_EVERY: Duration = Duration::from_secs(30);
/// A tip older than this holds services up.
const TIP_AGE: i64 = 3600;
/// Enough for the faucet's first coins to be spendable.
const FIRST_BLOCKS: u64 = 110;
/// The channel between the two nodes, and how much of it starts on the other side, in sats.
const CHANNEL: (u64, u64) = (10_000_000, 5_000_000);
/// At most this many blocks by one order.
const MINE_AT_MOST: u32 = 1_000;

/// The regtest world.
pub struct Playground {
    node: Arc<Node>,
    last_block: Mutex<Timestamp>,
}

impl Playground {
    /// Around what the loop holds.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, last_block: Mutex::new(Timestamp(0)) }
    }

    /// Keeps the world turning until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = &mut shutdown => return,
            }
            if let Err(error) = self.turn().await {
                tracing::debug!(%error, "the playground waits");
            }
        }
    }

    /// One look: a block when it is time, the channel when both nodes are ready.
    async fn turn(&self) -> PortResult<()> {
        let Some(context) = self.regtest() else { return Ok(()) };
        let Some(bitcoin) = self.bitcoin(&context) else { return Ok(()) };
        let info = bitcoin.chain_info().await?;
        let now = self.node.clock.now();
        let stale = now.0 / 1000 - info.tip_time > TIP_AGE;
        let world = self.node.config.playground;
        let due = world && now.since(*self.node.held(&self.last_block)) >= BLOCK_EVERY;
        if world && info.blocks < FIRST_BLOCKS {
            self.mine(&*bitcoin, FIRST_BLOCKS - info.blocks).await?;
        } else if due || stale || info.blocks == 0 {
            self.mine(&*bitcoin, 1).await?;
        }
        if world { self.channel(&context, &*bitcoin).await } else { Ok(()) }
    }

    /// An order from a person.
    pub async fn order(&self, order: PlaygroundOrder) -> Result<PlaygroundView> {
        let context = self
            .regtest()
            .ok_or_else(|| Error::conflict("The playground is on regtest boxes only: here money is real."))?;
        let bitcoin = self.bitcoin(&context).ok_or_else(|| Error::unavailable("Bitcoin's node"))?;
        let away = |error| Error::unavailable("Bitcoin's node").caused_by(error);
        let mut txid = None;
        match order {
            PlaygroundOrder::Mine { blocks } if (1..=MINE_AT_MOST).contains(&blocks) => {
                self.mine(&*bitcoin, blocks.into()).await.map_err(away)?;
            }
            PlaygroundOrder::Mine { .. } => {
                return Err(Error::invalid(format!("Mine 1 to {MINE_AT_MOST} blocks at a time.")));
            }
            PlaygroundOrder::Fund { address, sats } => txid = Some(fund(&*bitcoin, &address, sats).await?),
            PlaygroundOrder::Info => {}
        }
        let mut view = self.info(&context, &*bitcoin).await.map_err(away)?;
        view.txid = txid;
        Ok(view)
    }

    async fn info(&self, context: &Context, bitcoin: &dyn Bitcoin) -> PortResult<PlaygroundView> {
        let mut view =
            PlaygroundView { height: bitcoin.chain_info().await?.blocks, ..PlaygroundView::default() };
        faucet(bitcoin).await?;
        let balances = bitcoin.call(Some("faucet"), "getbalances", json!([])).await?;
        view.faucet_sats = sats_of(&balances["mine"]["trusted"]);
        if let (Some(ours), Some(outside)) =
            (self.lightning(context, &LND), self.lightning(context, &OUTSIDE))
        {
            view.outside = outside.info().await.ok().map(|info| info.pubkey);
            let channels = ours.call("GET", "/v1/channels", Value::Null).await.unwrap_or_default();
            let to_outside = channels["channels"].as_array().into_iter().flatten();
            view.channel = to_outside
                .filter(|c| c["remote_pubkey"].as_str() == view.outside.as_deref())
                .map(|c| (number(&c["capacity"]), number(&c["local_balance"])))
                .next();
        }
        Ok(view)
    }

    async fn mine(&self, bitcoin: &dyn Bitcoin, blocks: u64) -> PortResult<()> {
        faucet(bitcoin).await?;
        let address = bitcoin.call(Some("faucet"), "getnewaddress", json!([])).await?;
        bitcoin.call(None, "generatetoaddress", json!([blocks, address])).await?;
        // bitcoind writes its index to disk once an hour. Killed before that, it forgets blocks, and on regtest no
        // peer has them: Lightning would wait for a chain that is gone. This call makes it write now.
        bitcoin.call(None, "gettxoutsetinfo", json!(["none"])).await?;
        *self.node.held(&self.last_block) = self.node.clock.now();
        Ok(())
    }

    /// Opens the channel, once; each look finds out how far it is.
    async fn channel(&self, context: &Context, bitcoin: &dyn Bitcoin) -> PortResult<()> {
        let (Some(ours), Some(outside)) = (self.lightning(context, &LND), self.lightning(context, &OUTSIDE))
        else {
            return Ok(());
        };
        let (here, there) = (ours.info().await?, outside.info().await?);
        if !here.synced_to_chain || !there.synced_to_chain {
            return Ok(());
        }
        let with_us = |list: &Value| {
            list.as_array().into_iter().flatten().any(|c| {
                c["remote_pubkey"] == here.pubkey.as_str()
                    || c["channel"]["remote_node_pub"] == here.pubkey.as_str()
            })
        };
        let open = outside.call("GET", "/v1/channels", Value::Null).await?;
        let pending = outside.call("GET", "/v1/channels/pending", Value::Null).await?;
        if with_us(&pending["pending_open_channels"]) {
            // The miner alone would take three minutes to the sixth confirmation.
            return self.mine(bitcoin, 1).await;
        }
        let connected = outside.call("GET", "/v1/peers", Value::Null).await?;
        let is_peer =
            connected["peers"].as_array().into_iter().flatten().any(|p| p["pub_key"] == here.pubkey.as_str());
        if !is_peer {
            let host = context.address(&LND, "p2p");
            let body = json!({"addr": {"pubkey": here.pubkey, "host": host}, "perm": true});
            outside.call("POST", "/v1/peers", body).await?;
            return Ok(());
        }
        if with_us(&open["channels"]) {
            return Ok(());
        }
        let balance = outside.call("GET", "/v1/balance/blockchain", Value::Null).await?;
        if number(&balance["confirmed_balance"]) < 2 * CHANNEL.0 {
            if number(&balance["unconfirmed_balance"]) == 0 {
                let address =
                    outside.call("GET", "/v1/newaddress?type=WITNESS_PUBKEY_HASH", Value::Null).await?;
                let address = address["address"].as_str().unwrap_or_default();
                bitcoin.call(Some("faucet"), "sendtoaddress", json!([address, btc(5 * CHANNEL.0)])).await?;
            }
            return self.mine(bitcoin, 1).await;
        }
        let body = json!({
            "node_pubkey_string": here.pubkey, "local_funding_amount": CHANNEL.0.to_string(),
            "push_sat": CHANNEL.1.to_string(), "sat_per_vbyte": "2",
        });
        outside.call("POST", "/v1/channels", body).await.map(drop)
    }

    fn regtest(&self) -> Option<Arc<Context>> {
        let snapshot = self.node.latest.borrow().clone();
        let wanted = snapshot.world.wanted.as_ref()?;
        (wanted.network == Network::Regtest).then(|| snapshot.world.context.clone()).flatten()
    }

    fn bitcoin(&self, context: &Context) -> Option<Arc<dyn Bitcoin>> {
        let credential = context.credential(&PLAYGROUND, &BITCOIND).ok()?;
        let user = credential.user(Right::Rpc(&[]));
        Some(self.node.doors.bitcoin(context.ports.of(&BITCOIND, "rpc"), &user, &credential.secret))
    }

    fn lightning(&self, context: &Context, of: &ServiceName) -> Option<Arc<dyn Lightning>> {
        let credential = context.credential(&PLAYGROUND, of).ok()?;
        Some(self.node.doors.lightning(context.ports.of(of, "rest"), Some(&credential.secret)))
    }
}

/// Makes or loads the faucet's wallet.
async fn faucet(bitcoin: &dyn Bitcoin) -> PortResult<()> {
    let loaded = bitcoin.call(None, "listwallets", json!([])).await?;
    if loaded.as_array().into_iter().flatten().any(|name| name == "faucet") {
        return Ok(());
    }
    match bitcoin.call(None, "loadwallet", json!(["faucet"])).await {
        Ok(_) => Ok(()),
        Err(_) => bitcoin.call(None, "createwallet", json!(["faucet"])).await.map(drop),
    }
}

async fn fund(bitcoin: &dyn Bitcoin, address: &str, sats: u64) -> Result<String> {
    if !(546..=100 * 100_000_000).contains(&sats) {
        return Err(Error::invalid("The faucet gives 546 sats to 100 bitcoin at a time."));
    }
    let parsed = address.parse::<bitcoin::Address<bitcoin::address::NetworkUnchecked>>();
    let fits = parsed.is_ok_and(|a| a.is_valid_for_network(bitcoin::Network::Regtest));
    if !fits {
        return Err(Error::invalid("That is not a regtest address: they begin with bcrt1, m, n or 2."));
    }
    faucet(bitcoin).await.map_err(|error| Error::unavailable("Bitcoin's node").caused_by(error))?;
    let sent = bitcoin.call(Some("faucet"), "sendtoaddress", json!([address, btc(sats)])).await;
    let txid = sent.map_err(|error| {
        Error::conflict(format!("The faucet could not send: {error}. Mine some blocks first."))
    })?;
    Ok(txid.as_str().unwrap_or_default().to_owned())
}

/// Sats as the decimal text that bitcoind's wallet calls take; never through a float.
fn btc(sats: u64) -> String {
    format!("{}.{:08}", sats / 100_000_000, sats % 100_000_000)
}

/// bitcoind's JSON gives bitcoin as a decimal number.
fn sats_of(value: &Value) -> u64 {
    let text = value.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part: String = part.chars().chain("00000000".chars()).take(8).collect();
    whole.parse::<u64>().unwrap_or(0) * 100_000_000 + part.parse::<u64>().unwrap_or(0)
}

/// LND's JSON gives 64-bit numbers as text.
fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).or_else(|| value.as_u64()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_never_pass_through_a_float() {
        assert_eq!(btc(123_456_789), "1.23456789");
        assert_eq!(btc(546), "0.00000546");
        assert_eq!(sats_of(&json!(5505.5)), 550_550_000_000);
        assert_eq!(sats_of(&json!(50)), 5_000_000_000);
    }
}
