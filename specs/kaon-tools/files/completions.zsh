#compdef tdnf
eval "$(tdnf generate zsh)"
