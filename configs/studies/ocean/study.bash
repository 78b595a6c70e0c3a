# The ocean study, for launch/reproduce.
# shellcheck shell=bash disable=SC2034,SC2154
summary='flows of an ocean and tracks of drifters, after the first paper: data assimilation
next to the exact answers'
sizes=(smoke small usual full)
sweeps=(assimilation losses batch encoders)
# --small shows the main run only.
[[ $size != small ]] || sweeps=(assimilation)

changes() {
    case $size/$1 in
        smoke/*) printf '%s\n' train.steps=4 train.log_every=2 train.evaluate_every=null batch.shards=2 \
            evaluation.pairs=64 ;;
        small/*) printf '%s\n' train.steps=2000 ;;
        full/assimilation) printf '%s\n' train.steps=40000 ;;
    esac
    case $size/$1 in
        smoke/batch) printf '%s\n' 'vary.batch.size=[16, 32]' ;;
        smoke/*) printf '%s\n' batch.size=32 ;;
    esac
}

# Compares each run with the exact answers, then makes the page. A comparison that exists stays.
finish() {
    local sweep run options
    for sweep in "${sweeps[@]}"; do
        case $size/$sweep in
            smoke/*) options=(--gallery 40 --queries 3 --burn-in 20 --max-steps 100 --evidence-flows 64) ;;
            */assimilation) options=() ;;
            *) options=(--queries 8) ;;
        esac
        for run in "$sweep"/trials/*/; do
            run=${run%/}
            [[ ! -e $run/assimilation.h5 && -d $run/checkpoints ]] || continue
            printf 'reproduce: %s against the exact answers\n' "$run" >&2
            couplet study assimilate "$run" --output "$run/assimilation.h5" "${options[@]}" >/dev/null
        done
    done
    couplet study ocean . --output report.html --plots plots >/dev/null
}
