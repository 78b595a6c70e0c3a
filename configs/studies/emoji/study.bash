# The emoji study, for launch/reproduce.
# shellcheck shell=bash disable=SC2034,SC2154
summary='pictures of emoji and their names in 32 languages: retrieval in languages that are held out, and
of emoji that are never seen'
sweeps=(pictures vectors)

# Debian's packages with the pictures, the names, and what draws them.
packages=(fonts-noto-color-emoji unicode-cldr-core python3-pil libraqm0)

changes() {
    printf '%s\n' "data.path=$PWD/data/emoji.h5"
    case $size in
        smoke) printf '%s\n' batch.size=64 batch.shards=2 train.steps=4 train.log_every=2 train.evaluate_every=null \
            evaluation.pairs=64 ;;
    esac
}

# Installs the packages that are missing.
install_packages() {
    local package missing=() as_root=()
    for package in "${packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ! command -v apt-get >/dev/null; then
        printf 'reproduce: missing: %s\n' "${missing[*]}" >&2
        printf 'reproduce: these are packages of Debian; this system has no apt-get\n' >&2
        exit 69
    fi
    if [[ $(id -u) != 0 ]]; then
        if ! command -v sudo >/dev/null; then
            printf 'reproduce: as root run: apt-get update && apt-get install %s\n' "${missing[*]}" >&2
            exit 69
        fi
        as_root=(sudo)
    fi
    printf 'reproduce: installing %s\n' "${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >&2
}

# Writes the pictures and the manifests, and imports them. Files that exist stay.
prepare() {
    local options=() vocabulary=262144
    [[ $size != smoke ]] || options=(--emoji 150 --languages de,en,fr,ja,ru,uk) vocabulary=4096
    if [[ ! -e data/languages.tsv ]]; then
        install_packages
        /usr/bin/python3 "$root/configs/studies/emoji/data.py" data "${options[@]}" >&2
    fi
    [[ -e data/emoji.h5 ]] || couplet data import --manifest data/emoji.tsv --output data/emoji.h5 --size 32 \
        --tokenizer ngrams --vocabulary "$vocabulary" --positions 192 --keep language,script,kind >&2
    [[ -e data/languages.h5 ]] || couplet data import --manifest data/languages.tsv --output data/languages.h5 \
        --like data/emoji.h5 --keep language,script,kind >&2
    couplet study picture-numbers data/emoji.h5
}
