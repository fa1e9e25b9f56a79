//! A macaroon that we bake ourselves, from the root key that we gave LND when its wallet was made: it lives only
//! for the moment in which LND bakes the supervisor's own. Format: libmacaroons v2, and LND's id (version 3, protobuf).

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::types::Secret;

/// Lets its bearer bake macaroons, and nothing else. `root_key` is 32 bytes in hex, of LND's root key id 0.
pub fn bootstrap(root_key: &Secret<String>) -> Option<Secret<String>> {
    let root_key = hex::decode(root_key.expose()).ok()?;
    Some(Secret::new(hex::encode(bake(
        &root_key,
        &rand::random::<[u8; 16]>(),
        &[("macaroon", &["generate", "read", "write"])],
    ))))
}

fn bake(root_key: &[u8], nonce: &[u8], ops: &[(&str, &[&str])]) -> Vec<u8> {
    let id = identifier(nonce, ops);
    let signature = hmac(&hmac(b"macaroons-key-generator", root_key), &id);
    let mut out = vec![2];
    field(&mut out, 1, b"lnd");
    field(&mut out, 2, &id);
    out.extend([0, 0]); // end of the header, end of the (no) caveats
    field(&mut out, 6, &signature);
    out
}

/// `lnrpc/macaroons`: version byte 3, then `MacaroonId { nonce = 1, storageId = 2, ops = 3 { entity = 1, actions = 2 } }`.
fn identifier(nonce: &[u8], ops: &[(&str, &[&str])]) -> Vec<u8> {
    let mut id = vec![3];
    tagged(&mut id, 1, nonce);
    tagged(&mut id, 2, b"0");
    for (entity, actions) in ops {
        let mut op = Vec::new();
        tagged(&mut op, 1, entity.as_bytes());
        for action in *actions {
            tagged(&mut op, 2, action.as_bytes());
        }
        tagged(&mut id, 3, &op);
    }
    id
}

/// A length-delimited protobuf field.
fn tagged(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len());
    out.extend(bytes);
}

/// A field of the macaroon's binary form: type, length, bytes.
fn field(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    varint(out, bytes.len());
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_have_the_shape_that_lnd_reads() {
        let bytes = bake(&[7; 32], &[1; 16], &[("macaroon", &["generate"])]);
        assert_eq!(bytes[..6], [2, 1, 3, b'l', b'n', b'd']);
        assert_eq!(bytes[6], 2, "the identifier");
        let length = usize::from(bytes[7]);
        assert_eq!(bytes[8], 3, "its version");
        assert_eq!(bytes[8 + length..8 + length + 4], [0, 0, 6, 32]);
        assert_eq!(bytes.len(), 8 + length + 4 + 32);
    }

    #[test]
    fn lengths_over_127_take_two_bytes() {
        let mut out = Vec::new();
        varint(&mut out, 300);
        assert_eq!(out, [0xac, 0x02]);
    }
}
