//! The project's own kernels, and small ones made up.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::{check, explain};
use super::dotconfig::DotConfig;
use super::fragment;
use super::kconfig::{self, Kconfig, Resolved};
use super::merge::Merged;
use super::symbol::{Symbol, Value};
use super::why::why;
use super::{Description, Kernel, KernelError};
use base::diagnostic::{ExitCode, Failure as _, SourceText};
use base::document::Document;

const KCONFIG: &str = r#"
mainmenu "Linux/$(ARCH)"
config CC_IS_GCC
	def_bool $(success,test "$(cc-name)" = GCC)
config MODULES
	bool "Modules"
	modules
	help
	  config NOT_ONE
source "arch/$(SRCARCH)/Kconfig"
menu "Drivers"
	depends on BUS
config CARD
	tristate "Card" if EXPERT
	depends on BUS2 || !SLOW
	select LIB
	imply EXTRA
config LIB
	tristate
config EXTRA
	bool "Extra"
endmenu
if CC_IS_GCC
choice
	prompt "Tick"
	default HZ_100
config HZ_100
	bool "100"
config HZ_250
	bool "250"
endchoice
endif
config HZ
	int
	default 100 if HZ_100
	default 250
config CPUS
	int "Processors"
	range 2 64
	default 8
"#;

const ARCH: &str = "config BUS\n\ttristate \"Bus\"\nconfig BUS2\n\tbool\nconfig SLOW\n\tdef_bool y\nconfig EXPERT\n\tbool \"Expert\"\n";

fn kconfig() -> Kconfig {
    let files = [("Kconfig", KCONFIG), ("arch/x86/Kconfig", ARCH)];
    kconfig::parse(&files.map(|(name, text)| (name.to_owned(), text.to_owned())).into()).unwrap()
}

fn wishes(text: &str) -> BTreeMap<Symbol, Value> {
    let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    text.split_whitespace().filter_map(pair).collect()
}

fn resolve(kconfig: &Kconfig, text: &str) -> String {
    let wishes = wishes(text);
    let config = Resolved::new(kconfig, &wishes).config();
    config.iter().map(|(symbol, value)| format!("{}={value}", symbol.name())).collect::<Vec<_>>().join(" ")
}

#[test]
fn configurations_are_predicted() {
    let kconfig = kconfig();
    let base = "CC_IS_GCC=y CPUS=8 HZ=100 HZ_100=y SLOW=y";
    assert_eq!(resolve(&kconfig, ""), base);
    // Options without a visible prompt, or with an unmet dependency, ignore requests.
    assert_eq!(resolve(&kconfig, "CARD=y"), base);
    assert_eq!(resolve(&kconfig, "HZ_250=y CPUS=128"), "CC_IS_GCC=y CPUS=64 HZ=250 HZ_250=y SLOW=y");
    assert_eq!(resolve(&kconfig, "BUS=m EXTRA=y MODULES=y"), "BUS=m CC_IS_GCC=y CPUS=8 EXTRA=y HZ=100 HZ_100=y MODULES=y SLOW=y");
}

#[test]
fn causes_name_what_is_missing() {
    let kconfig = kconfig();
    let asked = wishes("BUS=m CARD=y CARDS=y LIB=y EXTRA=m HZ_250=y HZ_100=y CPUS=128");
    let resolved = Resolved::new(&kconfig, &asked);
    let told = |name: &str| {
        let symbol = name.parse::<Symbol>().unwrap();
        explain(&symbol, &resolved.cause(&symbol, &asked[&symbol]).unwrap())
    };
    assert_eq!(told("CARD"), "it depends on BUS [BUS=m], and on BUS2 || !SLOW [BUS2=n, SLOW=y], and on EXPERT [EXPERT=n]");
    assert_eq!(told("CARDS"), "no Kconfig file of this kernel defines it: it was renamed or removed");
    assert_eq!(told("LIB"), "it cannot be set, only selected, by CONFIG_CARD");
    assert_eq!(told("EXTRA"), "it has another type: bool");
    assert_eq!(told("HZ_250"), "CONFIG_HZ_100 was chosen instead; set that to n");
    assert_eq!(told("CPUS"), "its value is outside of the range that Kconfig allows");
}

#[test]
fn later_fragments_win_and_lost_requests_are_reported_at_their_line() {
    let read = |name: &str, text: &str| {
        let source = SourceText { path: format!("kernel-config/fragments/{name}.config"), text: text.into() };
        fragment::parse(name, source).unwrap()
    };
    let fragments = [read("a", "# Why.\nCONFIG_BUS=y\nCONFIG_CPUS=4\n"), read("b", "# Other.\nCONFIG_CPUS=6\nCONFIG_CARD=y\n")];
    let text = "summary = \"s\"\nsuffix = \"-x\"\nfragments = [\"a\", \"b\"]\n";
    let flavour = super::flavour::parse("x", Document::new("x.toml", text)).unwrap();
    let kernel = Kernel { flavour: &flavour, merged: Merged::new(&flavour, &fragments), contracts: Vec::new() };
    assert_eq!(kernel.merged.to_config(), "CONFIG_LOCALVERSION=\"-x\"\nCONFIG_BUS=y\nCONFIG_CARD=y\nCONFIG_CPUS=6\n");
    let places: Vec<String> = kernel.merged.requests(&"CPUS".parse().unwrap()).iter().map(|request| request.place()).collect();
    assert_eq!(places, ["kernel-config/fragments/a.config:3", "kernel-config/fragments/b.config:2"]);

    let config = DotConfig::parse("CONFIG_BUS=y\nCONFIG_CPUS=6\n# CONFIG_CARD is not set\n");
    let problems = check(&kernel, &config, None);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "CONFIG_CARD is requested as y, but Kconfig sets it to n");
    assert_eq!(problems[0].line_and_column(), (3, 1));
    assert_eq!(problems[0].source.path, "kernel-config/fragments/b.config");
}

#[test]
fn the_projects_own_kernels_are_described_without_mistakes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let description =
        Description::load(&root).unwrap_or_else(|error| panic!("{}", base::diagnostic::render(&error, base::diagnostic::Style::Plain)));
    for name in description.flavours.keys() {
        let kernel = description.kernel(name).unwrap();
        let phases: Vec<&str> = super::compile(&kernel).iter().map(|phase| phase.name).collect();
        let with_types = kernel.flavour.fragments.iter().any(|fragment| fragment.value == "btf");
        let expected: &[&str] =
            if with_types { &["configure", "build", "install", "types", "pack"] } else { &["configure", "build", "install", "pack"] };
        assert_eq!(phases, expected);
        assert_eq!(kernel.contracts.len(), kernel.flavour.contracts.len());
    }
    for name in description.fragments.keys() {
        let used = description.flavours.values().any(|flavour| flavour.fragments.iter().any(|fragment| fragment.value == *name));
        assert!(used, "no flavour uses fragment {name}");
    }
}

#[test]
fn only_the_second_step_depends_on_the_certificate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let description = Description::load(&root).unwrap();
    for name in description.flavours.keys() {
        let compiled: String = super::compile(&description.kernel(name).unwrap()).into_iter().map(|phase| phase.script).collect();
        let [one, other] = ["-----BEGIN CERTIFICATE-----\nMA\n", "-----BEGIN CERTIFICATE-----\nMB\n"].map(|pem| super::certify(name, pem));
        assert_ne!(one, other);
        assert_eq!(one.iter().map(|phase| phase.name).collect::<Vec<_>>(), ["objects", "certificate", "build", "install"]);
        let archive = format!("/usr/lib/kernel-objects/{name}.tar");
        assert!(compiled.contains(&archive) && one[0].script.contains(&archive), "the second step reads what the first one writes");
        assert!(!compiled.contains("CERTIFICATE-----"));
    }
}

#[test]
fn an_option_that_nothing_knows_is_an_error_with_the_nearest_name() {
    let source = SourceText { path: "kernel-config/fragments/a.config".into(), text: "# Why.\nCONFIG_GONE=y\n".into() };
    let fragments = [fragment::parse("a", source).unwrap()];
    let text = "summary = \"s\"\nsuffix = \"-x\"\nfragments = [\"a\"]\n";
    let flavour = super::flavour::parse("x", Document::new("x.toml", text)).unwrap();
    let kernel = Kernel { flavour: &flavour, merged: Merged::new(&flavour, &fragments), contracts: Vec::new() };
    let kconfig = kconfig();
    let resolved = Resolved::new(&kconfig, kernel.merged.wishes());
    let ask = |symbol: &str| why(&kernel, &kconfig, &resolved, &symbol.parse().unwrap());
    for (symbol, hint) in [
        ("EXPRET", "did you mean `CONFIG_EXPERT`?"),
        ("card_", "did you mean `CONFIG_CARD`?"),
        ("NOSUCHTHING", "`cargo xtask kernel config x` prints the requested options"),
    ] {
        let error = ask(symbol).unwrap_err();
        assert!(matches!(error, KernelError::NoOption { .. }), "{error}");
        assert_eq!((error.hint().as_deref(), error.exit()), (Some(hint), ExitCode::Usage));
    }
    assert!(ask("EXPERT").is_ok());
    assert!(ask("GONE").unwrap().lost.is_some(), "a fragment asks for it, so there is something to tell");
}
