# The MNIST study, for launch/reproduce.
# shellcheck shell=bash disable=SC2034,SC2154
summary='images and labels, left halves and right halves of MNIST, after the first paper: retrieval,
classification, generation, few labels (needs --data DIR: the four IDX files)'
needs_data=true
sizes=(smoke small usual full)
sweeps=(labels halves scratch_1 scratch_5 scratch_10 scratch_100)
# The smoke study runs on a few dozen images.
[[ $size != smoke ]] || sweeps=(labels halves scratch_1 scratch_5)

# --small takes a third of the epochs and three draws of labels; --full takes more epochs and seeds.
changes() {
    case $size/$1 in
        smoke/labels) printf '%s\n' batch.size=64 batch.shards=2 train.steps=4 train.evaluate_every=null ;;
        smoke/halves) printf '%s\n' batch.size=64 train.steps=4 train.evaluate_every=null ;;
        smoke/*) printf '%s\n' train.steps=2 'vary.seed=[1, 2]' 'vary.optimizer.learning_rate=[0.001, 0.003]' ;;
        small/halves) printf '%s\n' train.steps=585 ;;
        small/scratch_100) printf '%s\n' 'vary.seed=[1]' ;;
        small/scratch_*) printf '%s\n' 'vary.seed=[1, 2, 3]' ;;
        full/labels) printf '%s\n' 'vary.seed=[1, 2, 3]' ;;
        full/halves) printf '%s\n' 'vary.seed=[1, 2, 3]' train.steps=4680 ;;
    esac
}
