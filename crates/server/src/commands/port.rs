//! Says who has the port that we want, as far as this machine tells.

use std::fs;

/// What somebody wanted a port for, which says how another is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Development,
    Production,
    Console,
}

/// The sentence for a port that is taken, with the way out.
pub(super) fn taken(port: u16, wanted: Wanted) -> String {
    let by = holder(port).map(|(name, pid)| format!(" (by \"{name}\", pid {pid})")).unwrap_or_default();
    let next = port.checked_add(1).unwrap_or(9320);
    let way = match wanted {
        Wanted::Development => format!("run: postern serve --port {next}"),
        Wanted::Production => "change listen in the configuration".to_owned(),
        Wanted::Console => "change listen of [console] in the configuration".to_owned(),
    };
    format!("port {port} is in use{by}. Stop it, or {way}")
}

/// Finds the process that listens on a port, where Linux shows it.
fn holder(port: u16) -> Option<(String, u32)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let inodes: Vec<String> = tables.iter().flat_map(|table| listening(table, port)).collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        for file in files.flatten() {
            let Ok(target) = fs::read_link(file.path()) else { continue };
            let socket = target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
            if socket.is_some_and(|inode| inodes.iter().any(|known| known == inode)) {
                let name = fs::read_to_string(process.path().join("comm")).ok()?;
                return Some((name.trim().to_owned(), pid));
            }
        }
    }
    None
}

/// The sockets of a table that listen on a port.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let at_port = format!(":{port:04X}");
    let columns = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    columns
        .filter(|columns| {
            columns.get(1).is_some_and(|local| local.ends_with(&at_port)) && columns.get(3) == Some(&LISTEN)
        })
        .filter_map(|columns| columns.get(9).map(|inode| (*inode).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_is_found_by_its_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:2468 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1\n\
             1: 0100007F:2468 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 42 1\n\
             2: 0100007F:2469 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 43 1\n";
        assert_eq!(listening(table, 0x2468), ["41"]);
        assert!(listening(table, 1).is_empty());
    }

    #[test]
    fn a_taken_port_says_what_to_do() {
        for (wanted, way) in [
            (Wanted::Development, "Stop it, or run: postern serve --port 9321"),
            (Wanted::Production, "Stop it, or change listen in the configuration"),
            (Wanted::Console, "Stop it, or change listen of [console] in the configuration"),
        ] {
            assert!(taken(9320, wanted).ends_with(way));
        }
    }
}
