# A node of a cluster: what kubeadm asks for, a pod of which the kubelet's client is `$cri`, and packages as upstream makes them, from `$packages`.

for key in net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables; do fact sysctl "$key=$(sysctl -n $key)"; done
fact swaps "$(tail -n +2 /proc/swaps | wc -l)"
for name in ip iptables mount nsenter socat tc touch; do type -P $name >/dev/null || fact missing $name; done
fact engine "$(type -P docker dockerd)"

cri=/root/cri
cat /dev/disk/by-id/virtio-disk1 >$cri
chmod 755 $cri
image=docker.io/library/kaon-test:latest
ctr -n k8s.io images import /dev/disk/by-id/virtio-disk0 > >(said import-said) 2>&1
printf 'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "%s"\n' $image >/etc/containerd/conf.d/pause.toml
systemctl restart containerd

fact version "$($cri version 2>&1)"
fact before "$($cri status 2>&1)"
write_bridge
for _ in {1..60}; do status=$($cri status 2>&1); [[ $status = *NetworkReady=true* ]] && break; sleep 1; done
fact status "$status"

pod=$($cri pod 2>&1)
fact pod "$pod"
address=$($cri address "$pod" 2>&1)
fact address "$address"
fact answer "$(answer "$address" 8080)"
fact cgroup "$(cut -d: -f3 "/proc/$(pgrep -x payload)/cgroup")"
fact say "$($cri container "$pod" $image say say 'said in a pod' 2>&1)"
fact ask "$($cri container "$pod" $image ask ask 127.0.0.1:8080 2>&1)"
fact exit "$($cri container "$pod" $image exit exit 7 2>&1)"
for name in say ask; do fact $name-log "$(cat /var/log/pods/default_test_0/$name.log)"; done
fact removed "$($cri remove "$pod" 2>&1)"
fact left "$(ctr -n k8s.io containers list -q | wc -l) $(ip netns | wc -l) $(pgrep -cx payload)"
journalctl -b -o cat --no-pager -u containerd | tail -n 30 | said said

tdnf config create kubernetes name=Kubernetes "baseurl=http://$packages" "gpgkey=http://$packages/repodata/repomd.xml.key" enabled=0
code install tdnf -y --enablerepo=kubernetes install kubelet kubeadm kubectl
for name in kubelet kubeadm kubectl cri-tools kubernetes-cni; do rpm=$(tdnf -C list --installed $name 2>/dev/null | tail -n 1); fact installed "${rpm%% *}"; done
code more tdnf -y --enablerepo=kubernetes install cri-tools kubernetes-cni
code check tdnf check
fact plugins "$(ls /opt/cni/bin/bridge /usr/lib/cni/bridge 2>&1 | tr '\n' ' ')"
