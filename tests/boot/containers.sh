# What a system is, and whether it runs containers.
fact kernel "$(uname -r)"
fact hostname "$(cat /proc/sys/kernel/hostname)"
fact root-bytes "$(findmnt -b -n -o SIZE /)"
while read -r mount; do fact mount "$mount"; done < <(findmnt -n -r -o TARGET,FSTYPE -t xfs,btrfs)
fact machine-id "$(cat /etc/machine-id)"
fact host-key "$(cat /etc/ssh/ssh_host_ed25519_key.pub)"
fact random-seed "$(sha256sum </var/lib/systemd/random-seed)"
while IFS=: read -r name hash _; do [ "$name" = root ] && fact root-password "${hash:-empty}"; done </etc/shadow
[ -e /root/.ssh/authorized_keys ] && fact authorized-keys "$(cat /root/.ssh/authorized_keys)"
# A listening socket in any of the kernel's tables: state 0A.
while read -r _ local _ state _; do [ "$state" = 0A ] && fact listens "$local"; done < <(cat /proc/net/tcp /proc/net/tcp6)

stamp() { systemctl show -p "$2" --value ${3:-}; }
fact userspace-us "$(stamp x UserspaceTimestampMonotonic)"
fact docker-ready-us "$(stamp x ActiveEnterTimestampMonotonic docker.service)"
fact docker-start-us "$(stamp x ExecMainStartTimestampMonotonic docker.service)"
fact finished-us "$(stamp x FinishTimestampMonotonic)"
while read -r key value _; do
    case $key in MemTotal:) fact memory-total-kib "$value" ;; MemAvailable:) fact memory-available-kib "$value" ;; esac
done </proc/meminfo

# What user data asked for: the container of its unit answers, is the one systemd runs, and comes back.
if [ -e /etc/systemd/system/kaon-container-web.service ]; then
    # A published port is open before the container's program has opened its own.
    answer() { for _ in {1..600}; do text=$({ exec 4<>/dev/tcp/127.0.0.1/8082; } 2>/dev/null && cat <&4); [ -n "$text" ] && break; sleep 1; done; }
    answer
    fact unit-answer "$text"
    fact unit-state "$(systemctl is-active kaon-container-web.service) $(systemctl is-enabled kaon-container-web.service)"
    fact unit-log "$(journalctl -b -o cat --no-pager -u kaon-firstboot -u kaon-firstboot-network -u kaon-firstboot-late | tr '\n' '|')"
    docker kill web >/dev/null
    sleep 5
    answer
    fact unit-answer-again "$text"
    systemctl stop kaon-container-web.service
    fact late "$(cat /root/late)"
fi

fact load "$(docker load -q -i /dev/disk/by-id/virtio-disk0 2>&1)"
fact run-output "$(docker run --rm kaon-test say hello 2>&1)"
docker run --rm kaon-test exit 7
fact run-exit $?
docker run -d --name server -p 8081:8080 kaon-test serve 8080 >/dev/null
address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' server)
fact server-address "$address"
fact container-to-container "$(docker run --rm kaon-test ask "$address:8080" 2>&1)"
fact published-port "$(exec 4<>/dev/tcp/127.0.0.1/8081 && cat <&4)"
docker rm -f server >/dev/null
fact containers-left "$(docker ps -aq | wc -l)"

# Bit 13 of the kernel's taint flags is set by a module without a valid signature; from here on such a module is refused.
fact unsigned-modules "$(( $(cat /proc/sys/kernel/tainted) >> 13 & 1 ))"
fact enforced-before "$(cat /sys/module/module/parameters/sig_enforce)"
echo 1 >/sys/module/module/parameters/sig_enforce
fact enforced-module "$(modprobe wireguard 2>&1 && grep -o '^wireguard ' /proc/modules)"

fact containers-done-us "$(awk '{ printf "%d", $1 * 1000000 }' /proc/uptime)"
