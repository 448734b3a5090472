# People of the directory at `$ldap`, with passwords there and at `$kerberos`; packages come from `$packages`.

curl -fsS --create-dirs -o /etc/yum.repos.d/kaon-builder.repo "http://$packages/kaon.repo"
code install tdnf -y install identity
printf 'uri ldap://%s\nbase dc=example,dc=com\n' "$ldap" >>/etc/nslcd.conf
printf '[libdefaults]\ndefault_realm = EXAMPLE.COM\n[realms]\nEXAMPLE.COM = {\n kdc = %s\n}\n' "$kerberos" >/etc/krb5.conf.d/example.conf
systemctl enable --now nslcd 2>/dev/null
echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/10-passwords.conf
systemctl restart sshd

# The last line of what a command says that somebody runs over SSH with a password.
ask() {
    printf '#!/bin/sh\necho %s\n' "$2" >/root/password
    chmod 755 /root/password
    SSH_ASKPASS=/root/password SSH_ASKPASS_REQUIRE=force ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 "$1@127.0.0.1" "$3" 2>&1 </dev/null | tail -n 1
}
who='echo "$(id -un) $PWD $(id -Gn)"'
fact ada "$(ask ada sesame "$who")"
fact grace "$(ask grace sesame "$who")"
fact ticket "$(ask grace sesame 'klist | grep -o krbtgt.*')"
fact engine "$(ask ada sesame 'docker info >/dev/null && echo engine')"
for person in ada grace root; do fact $person-refused "$(ask $person wrong 'id -un')"; done
fact home-mode "$(stat -c %a /home/ada)"
journalctl -b -o cat --no-pager -u nslcd -u sshd | tail -n 20 | said said

# A directory that swallows what it is sent: an address for documentation (RFC 5737).
sed -i 's|^uri .*|uri ldap://192.0.2.1|' /etc/nslcd.conf
systemctl restart nslcd
fact away-root "$(timeout 60 runuser -u root -- id -un)"
timeout 60 id ada >/dev/null 2>&1
fact away-ada $?
