### Playground

playground-lead = A world of your own to try everything without money: blocks when you want them, coins from a faucet.
playground-world = What there is
playground-height = Height of the chain
playground-faucet = In the faucet
playground-outside = Outside node
playground-outside-none = It does not answer yet. We keep trying.
playground-channel = Channel to it
playground-channel-of = {$ours} of {$capacity} sats are ours
playground-channel-none = Not open yet.
playground-mine = Make blocks
playground-blocks = How many blocks
playground-mine-do = Mine blocks
playground-mined = The blocks are mined.
playground-fund = Coins from the faucet
playground-address = Regtest address
playground-sats = Amount in sats
playground-fund-do = Send coins there
playground-funded = The coins are on their way. Transaction: {$txid}
