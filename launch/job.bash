# Sourced by launch/local and launch/hosts, which define 'root' and 'say': finds the mpirun of a command, starts it, passes
# signals on to it, and waits for its end.

# The program of this checkout: with Open MPI, or with MPICH (README); or of this bundle (launch/bundle).
if [[ -x $root/lib/couplet ]]; then
    PATH="$root/bin:$PATH"
else
    PATH="$root/.build/$([[ ${COUPLET_MPI:-} != mpich ]] || echo mpich/)release:$PATH"
fi

# Sets 'launcher' to the mpirun that starts the command, and 'family' to openmpi or mpich.
find_launcher() {
    if ! command -v "$1" >/dev/null; then
        say "no command '$1'$([[ $1 == couplet ]] && echo "; build it with: swift build -c release")"
        exit 64
    fi
    launcher=$("$root/launch/mpi" "$1") || exit 69
    family=${launcher%% *} launcher=${launcher#* }
}

# Sets 'threads' to the threads of a rank that the command line asks for, or to 1. If it is not a count, the command
# itself reports that.
find_threads() {
    local i arguments=("$@")
    threads=1
    for ((i = 1; i < ${#arguments[@]}; i++)); do
        case ${arguments[i]} in
            --threads) threads=${arguments[i + 1]:-1} ;;
            --threads=*) threads=${arguments[i]#*=} ;;
        esac
    done
    [[ $threads =~ ^[1-9][0-9]*$ ]] || threads=1
}

mpirun='' signals=0 reminder='' watcher='' code=127
exec {nothing}<> <(:) # nobody writes to it, so reading it with a time limit waits without another process

# mpirun loses signals that arrive before its ranks have started, so the request to stop is repeated each second.
# Repeating it is harmless.
# shellcheck disable=SC2317 # called by the trap
remind() {
    while kill -0 "$mpirun"; do
        read -rt 1 -u "$nothing" || kill -USR1 "$mpirun"
    done 2>/dev/null
}
# shellcheck disable=SC2317
stop() {
    signals=$((signals + 1))
    ((signals > 1)) || say "stopping; repeat the signal to stop without saving"
    [[ -z $mpirun ]] || pass_on
}
# shellcheck disable=SC2317
pass_on() {
    local signal=USR1
    ((signals == 1)) || signal=TERM
    kill "-$signal" "$mpirun" 2>/dev/null || true
    if [[ -z $reminder ]]; then
        remind &
        reminder=$!
    elif ((signals > 1)); then
        kill "$reminder" 2>/dev/null || true
    fi
}

# Whether mpirun has ranks on this host. MPICH's starts a process that starts the ranks.
has_ranks_here() {
    local child children=()
    for child in $(cat "/proc/$mpirun/task/$mpirun/children" 2>/dev/null); do
        children+=("$child")
        # shellcheck disable=SC2207 # process numbers
        children+=($(cat "/proc/$child/task/$child/children" 2>/dev/null)) || true
    done
    ((${#children[@]})) || return 1
    children=("${children[@]/#//proc/}")
    grep -qszE '^(OMPI_COMM_WORLD_RANK|PMI_RANK)=' "${children[@]/%//environ}" 2>/dev/null
}

# After the end of a job, mpirun waits for the hosts that it started ranks on, and TCP reports a host that is gone only
# after a quarter of an hour. Ends mpirun if its ranks here have ended 10 s ago; the exit code is then 3.
watch() {
    local seen=false gone=0
    while kill -0 "$mpirun" 2>/dev/null; do
        read -rt 1 -u "$nothing" || true
        if has_ranks_here; then
            seen=true gone=0
        elif $seen && ((++gone == 10)); then
            say "the ranks of this host have ended, but mpirun waits for a host that does not answer: ending mpirun"
            kill -TERM "$mpirun"
        elif ((gone == 12)); then
            kill -KILL "$mpirun"
            exit 3
        fi
    done
    ((gone < 10)) || exit 3
}

# run_job [--watch] COMMAND…: runs the command by 'launcher' with 'options', and sets 'code' to its exit code.
run_job() {
    local before=-1 status input=/dev/stdin watches=false
    if [[ $1 == --watch ]]; then
        watches=true
        shift
    fi
    # mpirun gets its own process group, so that the terminal's Ctrl-C reaches this script alone. Such a group must not
    # read from the terminal.
    [[ -t 0 ]] && input=/dev/null
    # A signal that arrives before mpirun has started is passed on once it has.
    set -m
    "$launcher" "${options[@]}" "$@" <"$input" &
    mpirun=$!
    set +m
    ((signals == 0)) || pass_on
    if $watches; then
        watch &
        watcher=$!
    fi
    # A signal ends 'wait' early, so wait again; 127 means that the child's exit code has been read already.
    while ((before != signals)); do
        before=$signals status=0
        wait "$mpirun" || status=$?
        ((status == 127)) || code=$status
    done
    if [[ -n $reminder ]]; then
        kill "$reminder" 2>/dev/null || true
        wait "$reminder" 2>/dev/null || true
    fi
    if [[ -n $watcher ]]; then
        status=0
        wait "$watcher" || status=$?
        ((status != 3)) || code=70
    fi
    # MPICH's mpirun ends with the number of the signal that ended a rank.
    if [[ $family == mpich ]] && ((code > 2 && code < 32)); then code=$((128 + code)); fi
}

# Says how the command ended, unless couplet has said it, and exits with its code.
end_job() {
    local ended="exit code $code" name
    case $code in
        0 | 64 | 65 | 69 | 70 | 74 | 75) ;; # couplet has reported the reason
        *)
            if ((code > 128)) && name=$(kill -l "$code" 2>/dev/null); then ended="signal $name"; fi
            say "$1 on $ranks rank$( ((ranks == 1)) || echo s) ended with $ended"
            ;;
    esac
    exit "$code"
}
