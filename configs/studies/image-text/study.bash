# The image/text study, for launch/reproduce.
# shellcheck shell=bash disable=SC2034,SC2154
summary='pictures of objects and sentences about them, after the second paper: which factors
the encoders keep (renders 20,000 pictures)'
sizes=(smoke small usual full)
sweeps=(small resnet18)

changes() {
    printf '%s\n' "data.path=$PWD/scenes"
    case $size/$1 in
        smoke/*) printf '%s\n' batch.size=32 batch.shards=2 train.steps=3 train.evaluate_every=null \
            evaluation.identifiability.samples=48 'vary.seed=[1]' ;;
        small/small) printf '%s\n' train.steps=1000 'vary.seed=[1]' ;;
        small/resnet18) printf '%s\n' train.steps=100 'vary.seed=[1]' ;;
        full/*) printf '%s\n' train.steps=100000 optimizer.learning_rate=1.0e-5 objective.temperature=1 \
            'vary.seed=[1, 2, 3]' ;;
    esac
}

# Renders the pictures; those that exist stay.
prepare() {
    local counts=(--training 20000 --validation 2000 --test 4000)
    case $size in
        smoke) counts=(--training 96 --validation 16 --test 64 --size 32) ;;
        full) counts=(--training 125000 --validation 10000 --test 10000 --size 64) ;;
    esac
    "${launcher[@]}" couplet data render scenes "${counts[@]}" >/dev/null
}

finish() { couplet study image-text . --output report.html >/dev/null; }
