//! Names of this machine's users, for the audit log.

/// The login name of a user id, or `uid1234` when `/etc/passwd` has none.
pub fn name_of(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    find(&passwd, uid).unwrap_or_else(|| format!("uid{uid}"))
}

fn find(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_field_decides() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n\n# broken\nana:x:1000:0::/home/ana:/bin/sh\n";
        assert_eq!(find(passwd, 1000).as_deref(), Some("ana"));
        assert_eq!(find(passwd, 0).as_deref(), Some("root"));
        assert_eq!(find(passwd, 7), None);
    }
}
