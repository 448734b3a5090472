# Packages around the container engine, from the repository at `@address@`.

curl -fsS --create-dirs -o /etc/yum.repos.d/kaon-builder.repo http://@address@/kaon.repo
code install tdnf -y install crun cni-plugins containerd-ctr docker-buildx docker-compose
image=/dev/disk/by-id/virtio-disk0
docker load -q -i $image >/dev/null

fact crun "$(docker run --rm --runtime crun kaon-test say 'said by crun' 2>&1)"
docker run -d --name limited --runtime crun --memory 64m kaon-test serve 8080 >/dev/null
fact crun-limits "$(cat "/sys/fs/cgroup$(cut -d: -f3 "/proc/$(docker inspect -f '{{.State.Pid}}' limited)/cgroup")/memory.max")"
docker rm -f limited >/dev/null

name=docker.io/library/kaon-test:latest
ctr image import $image >/dev/null 2> >(said ctr-said)
fact ctr "$(ctr run --rm $name one /payload say 'said by ctr' 2>&1)"
fact ctr-crun "$(ctr run --rm --runc-binary /usr/bin/crun $name two /payload say 'said by both' 2>&1)"
write_bridge
ctr run -d --cni $name three /payload serve 8080 > >(said cni-said) 2>&1
fact cni "$(answer 10.88.0.2 8080)"

mkdir -p /root/app && cd /root/app
printf 'services:\n  web:\n    image: kaon-test\n    command: [serve, "8080"]\n    ports: ["8090:8080"]\n' >compose.yaml
docker compose up -d --pull never > >(said compose-said) 2>&1
fact compose "$(answer 127.0.0.1 8090)"
docker compose down >/dev/null 2>&1
fact compose-left "$(docker ps -aq | wc -l)"

printf 'FROM kaon-test\nRUN ["/payload", "say", "x"]\nCMD ["say", "built"]\n' >Dockerfile
fact builder "$(docker buildx version)"
docker build -q -t built . > >(said built-said) 2>&1
fact built "$(docker run --rm built 2>&1)"
