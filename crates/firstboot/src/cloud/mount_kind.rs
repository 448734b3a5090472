//! The kinds of file systems that entries of `mounts` name.

use super::disk::Mount;

/// Kinds that Kaon's kernels have and documents name. What is near one of them and none is misspelt.
const USUAL: &str = "\
    9p auto btrfs ceph cifs erofs ext2 ext3 ext4 hugetlbfs iso9660 nfs nfs4 none overlay proc ramfs squashfs swap sysfs \
    tmpfs udf vfat virtiofs xfs";

/// Further ones of Linux, for which there may be a module or a program.
const FURTHER: &str = "\
    adfs affs afs apfs autofs bcachefs befs bfs binfmt_misc bpf cgroup cgroup2 coda configfs cramfs davfs debugfs devpts \
    devtmpfs dlmfs ecryptfs efivarfs efs exfat exofs f2fs functionfs fuse fuseblk fusectl gfs2 glusterfs gpfs hfs hfsplus \
    hpfs jffs2 jfs lustre minix mqueue msdos ncpfs nfsd nilfs2 ntfs ntfs3 ocfs2 omfs orangefs pstore pvfs2 qnx4 qnx6 reiser4 \
    reiserfs resctrl romfs rootfs rpc_pipefs securityfs selinuxfs smackfs smb3 smbfs sysv tracefs ubifs ufs umsdos vboxsf \
    zfs zonefs";

/// What is odd about the kind of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// It is none, but near one: nothing could mount it, and a start would stop for it.
    Misspelt(String),
    /// It may be one.
    Doubtful(String),
}

impl Mount {
    /// What is odd about its kind, if anything.
    pub(super) fn oddity(&self, defaults: Option<&Self>) -> Option<Oddity> {
        let kind = self.field(2, defaults).unwrap_or_else(|| "auto".to_owned());
        // mount(8) tries each of several; those of FUSE have programs.
        let kinds = kind.split(',').map(|kind| kind.strip_prefix("no").filter(|rest| is_known(rest)).unwrap_or(kind));
        let unknown = kinds.filter(|kind| !kind.starts_with("fuse") && !is_known(kind)).map(unknown).next();
        unknown.or_else(|| self.without_helper(&kind, defaults).map(Oddity::Doubtful))
    }

    /// Why a file system of another machine is not found: its name is looked up by a program that there is not.
    fn without_helper(&self, kind: &str, defaults: Option<&Self>) -> Option<String> {
        let source = self.field(0, defaults)?;
        let guessed = if source.starts_with("//") { "cifs" } else { "nfs" };
        let is_remote = source.starts_with("//") || source.contains(":/") && !source.starts_with('/');
        let kind = if kind == "auto" && is_remote { guessed } else { kind };
        let (package, program, told): (_, _, &[&str]) = match kind {
            "nfs" | "nfs4" => ("nfs-utils", "mount.nfs", &["addr="]),
            "cifs" | "smb3" => ("cifs-utils", "mount.cifs", &["addr=", "ip="]),
            _ => return None,
        };
        let options = self.field(3, defaults).unwrap_or_default();
        let is_told = options.split([' ', ',']).any(|option| told.iter().any(|name| option.starts_with(name)));
        let advice = "the kernel mounts it by itself if the options have the server's address: `addr=192.0.2.1`";
        (!is_told).then(|| format!("`{kind}` needs {package} (`{program}`), which Kaon does not have; {advice}"))
    }
}

fn is_known(kind: &str) -> bool {
    USUAL.split(' ').chain(FURTHER.split(' ')).any(|known| known == kind)
}

fn unknown(kind: &str) -> Oddity {
    let plain = kind.to_ascii_lowercase();
    match text::did_you_mean(&plain, USUAL.split(' ')) {
        Some(meant) => Oddity::Misspelt(format!("`{kind}` is not a file system ({meant})")),
        None => {
            Oddity::Doubtful(format!("`{kind}` is not a file system known here: only the kernel or a program `mount.{kind}` may have it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_that_something_mounts() {
        let table = [
            (["/dev/sdb1", "ext4", "defaults"], ""),
            (["/dev/sdb1", "ext4,xfs", "defaults"], ""),
            (["/dev/sdb1", "noext4", "defaults"], ""),
            (["me@host:/x", "fuse.sshfs", "defaults"], ""),
            (["/dev/sdb1", "etx4", "defaults"], "(misspelt) `etx4` is not a file system (did you mean `ext4`?)"),
            (["/dev/sdb1", "btfs", "defaults"], "(misspelt) `btfs` is not a file system (did you mean `btrfs`?)"),
            (["/dev/sdb1", "zfs", "defaults"], ""),
            (["/dev/sdb1", "XFS", "defaults"], "(misspelt) `XFS` is not a file system (did you mean `xfs`?)"),
            (["/dev/sdb1", "beegfs-client", "defaults"], "`beegfs-client` is not a file system known here"),
            (["server:/a", "nfs", "ro,soft"], "`nfs` needs nfs-utils (`mount.nfs`), which Kaon does not have; "),
            (["server:/a", "nfs4", "ro,addr=192.0.2.1"], ""),
            (["server:/a", "auto", ""], "`nfs` needs nfs-utils"),
            (["//server/a", "cifs", "guest"], "`cifs` needs cifs-utils"),
            (["//server/a", "cifs", "guest,ip=192.0.2.1"], ""),
            (["LABEL=a:/b", "ext4", ""], ""),
            (["shared", "virtiofs", "ro"], ""),
            (["/dev/sdb1", "hfs", "ro"], ""),
        ];
        for ([source, kind, options], expected) in table {
            let mount = Mount([source, "/a", kind, options].map(|field| Some(field.to_owned())).to_vec());
            let found = match mount.oddity(None) {
                Some(Oddity::Misspelt(text)) => format!("(misspelt) {text}"),
                Some(Oddity::Doubtful(text)) => text,
                None => String::new(),
            };
            assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{source} {kind}: {found}");
        }
    }
}
