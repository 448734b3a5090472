# A machine that takes packages from the one that built it: `@address@`, where `cargo xtask repo serve` listens.

fact curl "$(curl -fsS --create-dirs -o /etc/yum.repos.d/kaon-builder.repo http://@address@/kaon.repo 2>&1)"
fact gpgcheck-off "$(grep -Ec 'gpgcheck *= *0' /etc/yum.repos.d/kaon-builder.repo)"
# Nobody has said yet that the key is to be trusted.
code unasked tdnf --assumeno makecache
code makecache tdnf -y makecache
fact bzip2-before "$(type -p bzip2)"
code install tdnf -y install bzip2
fact bzip2-output "$(printf '%s\n' packed | bzip2 | bzip2 -d)"
fact tini-before "$(tdnf -C list --installed tini | tail -n 1)"
code update tdnf -y update
fact tini-after "$(tdnf -C list --installed tini | tail -n 1)"
fact tini-version "$(docker-init --version)"
code check tdnf check
code again tdnf -y update
fact again-changes "$(tdnf -C history list | wc -l)"

# The same packages under an index that is signed no longer, or was changed since.
for name in unsigned changed; do
    printf '[%s]\nname=%s\nbaseurl=http://@address@/%s\ngpgkey=http://@address@/RPM-GPG-KEY-kaon\n' $name $name $name >/etc/yum.repos.d/$name.repo
    code $name tdnf -y --disablerepo='*' --enablerepo=$name makecache
    rm /etc/yum.repos.d/$name.repo
done
