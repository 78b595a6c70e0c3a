# The Gaussian study, for launch/reproduce.
# shellcheck shell=bash disable=SC2034,SC2154
summary='A Mathematical Perspective On Contrastive Learning (Baptista, Stuart, Tran 2025): every loss on
Gaussian pairs, with exact answers'
sweeps=(batch combinations rank weights information inputs)

prepare() {
    # The hard inputs have nearly singular covariances.
    [[ -e nearly_singular.h5 ]] || couplet study covariance nearly_singular.h5 >&2
}

# --full takes twice the steps and twice the seeds.
changes() {
    local steps=1500
    case $size/$1 in
        smoke/batch) printf '%s\n' 'vary.batch.size=[64, 128, 256]' 'vary.seed=[1, 2]' ;;
        smoke/rank) printf '%s\n' 'vary.encoders.embedding=[1, 3]' 'vary.seed=[1]' ;;
        smoke/weights | smoke/inputs) printf '%s\n' 'vary.seed=[1]' ;;
        smoke/information) printf '%s\n' 'vary.batch.size=[64, 128]' ;;
        full/batch) printf '%s\n' 'vary.seed=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]' ;;
        full/rank | full/weights | full/inputs) printf '%s\n' 'vary.seed=[1, 2, 3, 4]' ;;
    esac
    case $size in
        smoke)
            printf '%s\n' train.steps=20 train.log_every=2 evaluation.pairs=64
            [[ $1 == batch || $1 == information ]] || printf '%s\n' batch.size=128
            ;;
        full)
            [[ $1 != batch ]] || steps=1000
            printf '%s\n' "train.steps=$((2 * steps))"
            ;;
    esac
}
