# The identifiability study, for launch/reproduce.
# shellcheck shell=bash disable=SC2034,SC2154
summary='Identifiability Results for Multimodal Contrastive Learning (Daunhawer et al. 2023): which latent
factors encoders find'
sweeps=(table encoding_size style_change)

# --full changes the base to the paper's own setting.
changes() {
    case $size in
        smoke)
            local encoder='{kind: mlp, widths: [16], activation: leaky_relu, slope: 0.01}'
            printf '%s\n' "encoders.first=$encoder" "encoders.second=$encoder" batch.size=64 train.steps=20 \
                train.log_every=2 train.checkpoint_every=20 evaluation.pairs=64 evaluation.identifiability.samples=60
            ;;
        full) printf '%s\n' base=paper.yaml 'vary.seed=[1, 2, 3]' ;;
    esac
    case $size/$1 in
        # Encoders need more steps to separate dependent latents.
        usual/table) printf '%s\n' batch.size=512 batch.shards=2 train.steps=60000 ;;
        smoke/table) printf '%s\n' 'vary.seed=[1, 2]' ;;
        smoke/encoding_size) printf '%s\n' 'vary.encoders.embedding=[3, 5, 8]' ;;
        smoke/style_change) printf '%s\n' 'vary.data.style_change=[0.0, 1.0]' ;;
        full/encoding_size) printf '%s\n' 'vary.encoders.embedding={range: [1, 15]}' ;;
    esac
}
