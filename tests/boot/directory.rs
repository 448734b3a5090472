//! People of a directory log in: users and groups from a real LDAP server, passwords from it and from a real Kerberos server, both on the machine
//! that tests.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::guest::{Start, file, xtask};
use super::update::Served;

#[path = "../support/sdk.rs"]
mod sdk;

const SCRIPT: &str = include_str!("directory.sh");

/// The people and groups. `grace` has her password at the Kerberos server.
const PEOPLE: &str = "dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: uid=ada,dc=example,dc=com
objectClass: account
objectClass: posixAccount
uid: ada
cn: Ada
uidNumber: 5001
gidNumber: 5000
homeDirectory: /home/ada
loginShell: /bin/sh
userPassword: sesame

dn: uid=grace,dc=example,dc=com
objectClass: account
objectClass: posixAccount
uid: grace
cn: Grace
uidNumber: 5002
gidNumber: 5000
homeDirectory: /home/grace
loginShell: /bin/sh

dn: cn=people,dc=example,dc=com
objectClass: posixGroup
cn: people
gidNumber: 5000

dn: cn=docker,dc=example,dc=com
objectClass: posixGroup
cn: docker
gidNumber: 975
memberUid: ada
";

/// Programs of the SDK, run by its own dynamic loader.
struct Tools {
    layers: sdk::Layers,
}

impl Tools {
    fn find(&self, path: &str) -> PathBuf {
        let mut found = self.layers.trees.iter().map(|tree| tree.join(path)).filter(|path| path.exists());
        found.next().unwrap_or_else(|| panic!("no {path} in the SDK"))
    }

    fn command(&self, program: &str) -> Command {
        let libraries: Vec<String> =
            self.layers.trees.iter().map(|tree| tree.join("usr/lib/x86_64-linux-gnu").display().to_string()).collect();
        let mut command = Command::new(self.find("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(libraries.join(":")).arg(self.find(program)).stdin(Stdio::null());
        command
    }
}

/// A server, until the test ends.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, port: u16) -> Self {
        let mut child = command.spawn().unwrap();
        for _ in 0..300 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Self(child);
            }
            assert!(child.try_wait().unwrap().is_none(), "a server ended at once");
            thread::sleep(Duration::from_millis(100));
        }
        panic!("a server does not listen");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

fn ldap(tools: &Tools, folder: &Path, port: u16) -> Running {
    let schemas =
        ["core", "cosine", "nis"].map(|name| format!("include {}\n", tools.find(&format!("etc/ldap/schema/{name}.schema")).display()));
    fs::create_dir(folder.join("ldap")).unwrap();
    let text = format!(
        "{}modulepath {}\nmoduleload back_mdb\npidfile {folder}/slapd.pid\ndatabase mdb\nmaxsize 10485760\nsuffix dc=example,dc=com\ndirectory {folder}/ldap\n\
         access to attrs=userPassword by anonymous auth\naccess to * by * read\n",
        schemas.concat(),
        tools.find("usr/lib/ldap").display(),
        folder = folder.display(),
    );
    let (settings, people) = (file(folder, "slapd.conf", text.as_bytes()), file(folder, "people.ldif", PEOPLE.as_bytes()));
    succeeds(tools.command("usr/sbin/slapd").args(["-T", "add", "-f"]).arg(&settings).arg("-l").arg(people));
    let address = format!("ldap://127.0.0.1:{port}");
    Running::start(tools.command("usr/sbin/slapd").arg("-f").arg(&settings).args(["-h", &address, "-d", "0"]), port)
}

fn kerberos(tools: &Tools, folder: &Path, port: u16) -> Running {
    let plugins = tools.find("usr/lib/x86_64-linux-gnu/krb5/plugins");
    let client = format!(
        "[libdefaults]\ndefault_realm = EXAMPLE.COM\nplugin_base_dir = {plugins}\n[realms]\nEXAMPLE.COM = {{\n kdc = 127.0.0.1:{port}\n}}\n\
         [dbmodules]\ndb_module_dir = {plugins}/kdb\n",
        plugins = plugins.display()
    );
    let server = format!(
        "[kdcdefaults]\nkdc_listen = 127.0.0.1:{port}\nkdc_tcp_listen = 127.0.0.1:{port}\n[realms]\nEXAMPLE.COM = {{\n database_name = {folder}/principal\n \
         key_stash_file = {folder}/stash\n acl_file = {folder}/acl\n}}\n[logging]\nkdc = FILE:{folder}/kdc.log\n",
        folder = folder.display()
    );
    let (client, server) = (file(folder, "krb5.conf", client.as_bytes()), file(folder, "kdc.conf", server.as_bytes()));
    let command = |program: &str| {
        let mut command = tools.command(program);
        command.env("KRB5_CONFIG", &client).env("KRB5_KDC_PROFILE", &server);
        command
    };
    succeeds(command("usr/sbin/kdb5_util").args(["create", "-s", "-r", "EXAMPLE.COM", "-P", "master"]));
    succeeds(command("usr/sbin/kadmin.local").args(["-r", "EXAMPLE.COM", "addprinc", "-pw", "sesame", "grace"]));
    Running::start(command("usr/sbin/krb5kdc").args(["-n", "-P"]).arg(folder.join("kdc.pid")), port)
}

/// Boots a disk next to both servers.
pub fn check() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tools = Tools { layers: sdk::layers("directory").unwrap_or_else(|error| panic!("{error}")) };
    let (ldap_port, kerberos_port) = (free_port(), free_port());
    let _servers = [ldap(&tools, folder.path(), ldap_port), kerberos(&tools, folder.path(), kerberos_port)];
    let repository = folder.path().join("repository");
    xtask(&["repo".as_ref(), "minimal".as_ref(), "identity".as_ref(), "--output".as_ref(), repository.as_os_str()]);
    let served = Served::start(&repository);
    let script = format!("packages=10.0.2.2:{} ldap=10.0.2.2:{ldap_port} kerberos=10.0.2.2:{kerberos_port}\n{SCRIPT}", served.port);
    let guest = Start::of("directory", "out/kaon-minimal.qcow2", &script).run();
    assert_eq!(guest.one("install"), "0", "{}", guest.text("install-said"));
    let said = guest.text("said");
    assert_eq!(guest.one("ada"), "ada /home/ada people docker", "{said}");
    assert_eq!(guest.one("grace"), "grace /home/grace people", "{said}");
    assert_eq!(guest.one("ticket"), "krbtgt/EXAMPLE.COM@EXAMPLE.COM", "{said}");
    assert_eq!(guest.one("engine"), "engine", "{said}");
    for person in ["ada", "grace", "root"] {
        let refused = guest.one(&format!("{person}-refused"));
        assert!(refused.contains("Permission denied"), "{person}: {refused}");
    }
    assert_eq!(guest.one("home-mode"), "700");
    assert_eq!((guest.one("away-root"), guest.one("away-ada")), ("root", "1"), "{said}");
    assert_eq!(guest.one("state"), "running", "{}", guest.text("failed-unit"));
}
