// Replays the trace of a training step (couplet bench trace) on a simulated cluster, by SimGrid (Debian's
// libsimgrid-dev).
//
//     replay [--cfg=…] PLATFORM.xml TRACE.jsonl ACTORS PER_HOST [--no-overlap]
//
// The trace is that of worker 0 of W. All workers do the same, so every actor replays it, with the other worker of each
// message moved along: by the distance in the ring, and by XOR in the gradient sum of W = 2^i workers. For the same
// reason ACTORS < W actors in a ring are enough: each performs all W steps, and what the worker at distance W - 1 sends
// is what any worker sends. ACTORS is W or a smaller power of two. PER_HOST actors share a host and its network.
//
// --no-overlap waits for each block of data before the computation that it would arrive during.
//
// A host computes one second of the trace in a second. Sends do not wait, receives start where the trace has them.
// Writes one line of JSON: the time of the step, and the largest time that a worker has waited, in all and by stream.
#include <simgrid/actor.h>
#include <simgrid/comm.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/mailbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { COMPUTE, SEND, RECEIVE, WAIT };
enum { STREAMS = 3 };
static const char *const stream_names[STREAMS] = {"data", "sums", "parameters"};

struct event {
    enum kind kind;
    int worker, stream;
    double seconds;
    long bytes;
};

// What all actors read, and what they write at their end.
static struct event *events;
static size_t event_count;
static int workers, actors, per_host, overlaps = 1;
static double longest_wait[STREAMS], longest_total, computing;

static void fail(const char *what, const char *where) {
    fprintf(stderr, "replay: %s: %s\n", what, where);
    exit(65);
}

// The text after "key": in a line of JSON; NULL if the key is missing.
static const char *member(const char *line, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *found = strstr(line, quoted);
    if (!found) return NULL;
    found += strlen(quoted);
    return *found == ' ' ? found + 1 : found;
}

static int is(const char *line, const char *key, const char *value) {
    const char *text = member(line, key);
    return text && *text == '"' && !strncmp(text + 1, value, strlen(value)) && text[1 + strlen(value)] == '"';
}

static double number(const char *line, const char *key) {
    const char *text = member(line, key);
    if (!text) fail("no number of this name in a line of the trace", key);
    return atof(text);
}

static void read_trace(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read", path);
    size_t capacity = 0, length = 0;
    char *line = NULL;
    while (getline(&line, &length, file) > 0) {
        if (is(line, "event", "step")) {
            workers = (int)number(line, "workers");
            if (number(line, "worker") != 0) fail("not the trace of worker 0", path);
            continue;
        }
        struct event event = {COMPUTE, 0, 0, 0, 0};
        if (is(line, "event", "compute")) {
            event.seconds = number(line, "seconds");
        } else {
            event.kind = is(line, "event", "send") ? SEND : is(line, "event", "receive") ? RECEIVE : WAIT;
            event.worker = (int)number(line, "worker");
            while (event.stream < STREAMS && !is(line, "stream", stream_names[event.stream])) event.stream++;
            if (event.stream == STREAMS) fail("unknown stream", line);
            if (event.kind != WAIT) event.bytes = (long)number(line, "bytes");
        }
        if (event_count == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            events = realloc(events, capacity * sizeof *events);
            if (!events) fail("out of memory", path);
        }
        events[event_count++] = event;
    }
    free(line);
    fclose(file);
    if (!workers) fail("no line with the numbers of the step", path);
}

static int is_power_of_two(int n) {
    return n > 0 && !(n & (n - 1));
}

// The actor that has the place of a worker of the trace, seen from an actor.
static int other_actor(int self, struct event event) {
    int distance = event.worker;
    if (event.stream == 2 && is_power_of_two(workers)) {
        // Distances within a host stay as they are; others are taken from the distances between the hosts there are.
        if (distance >= actors) {
            int first = per_host < actors ? per_host : 1, levels = 0, level = 0;
            while (first << levels < actors) levels++;
            while (first << level < distance) level++;
            distance = first << level % levels;
        }
        return self ^ distance;
    }
    // Backwards in the ring if that is nearer, so that fewer actors are a ring as well.
    if (2 * distance > workers) distance -= workers;
    return ((self + distance) % actors + actors) % actors;
}

static sg_mailbox_t mailbox(int sender, int receiver, int stream) {
    char name[64];
    snprintf(name, sizeof name, "%d>%d:%d", sender, receiver, stream);
    return sg_mailbox_by_name(name);
}

// The receives that an actor has started, oldest first, of one stream and one other worker: those of the ring have one
// other worker, and those of the gradient sum are waited for in their order.
struct queue {
    sg_comm_t *comms;
    size_t first, count, capacity;
};

static void worker(int argc, char *argv[]) {
    (void)argc;
    int self = atoi(argv[1]);
    static int message;
    void *received;
    struct queue queues[STREAMS] = {{NULL, 0, 0, 0}};
    double waited[STREAMS] = {0}, total = 0, computed = 0;
    for (size_t i = 0; i < event_count; i++) {
        struct event event = events[i];
        struct queue *queue = &queues[event.stream];
        int other = event.kind == COMPUTE ? 0 : other_actor(self, event), waits = event.kind == WAIT;
        switch (event.kind) {
        case COMPUTE:
            sg_actor_execute(event.seconds);
            computed += event.seconds;
            break;
        case SEND:
            sg_comm_detach(sg_mailbox_put_init(mailbox(self, other, event.stream), &message, event.bytes), NULL);
            break;
        case RECEIVE:
            if (queue->first + queue->count == queue->capacity) {
                queue->capacity = queue->capacity ? 2 * queue->capacity : 64;
                queue->comms = realloc(queue->comms, queue->capacity * sizeof *queue->comms);
                if (!queue->comms) fail("out of memory", "receives");
            }
            queue->comms[queue->first + queue->count++] =
                sg_mailbox_get_async(mailbox(other, self, event.stream), &received);
            waits = !overlaps && event.stream == 0;
            break;
        case WAIT:
            if (!overlaps && event.stream == 0) waits = 0;
            break;
        }
        if (waits) {
            double start = simgrid_get_clock();
            sg_comm_wait(queue->comms[queue->first++]);
            queue->count--;
            if (!queue->count) queue->first = 0;
            waited[event.stream] += simgrid_get_clock() - start;
        }
    }
    for (int stream = 0; stream < STREAMS; stream++) {
        total += waited[stream];
        if (waited[stream] > longest_wait[stream]) longest_wait[stream] = waited[stream];
        free(queues[stream].comms);
    }
    if (total > longest_total) longest_total = total;
    if (computed > computing) computing = computed;
}

int main(int argc, char *argv[]) {
    simgrid_init(&argc, argv);
    if (argc < 5 || argc > 6 || (argc == 6 && strcmp(argv[5], "--no-overlap"))) {
        fprintf(stderr, "usage: replay [--cfg=…] PLATFORM.xml TRACE.jsonl ACTORS PER_HOST [--no-overlap]\n");
        return 64;
    }
    overlaps = argc == 5;
    read_trace(argv[2]);
    actors = atoi(argv[3]);
    per_host = atoi(argv[4]);
    if (actors < 1 || actors > workers || (actors < workers && (!is_power_of_two(actors) || actors < 2)))
        fail("ACTORS is the number of workers or a smaller power of two from 2 on", argv[3]);
    if (per_host < 1) fail("PER_HOST is 1 or more", argv[4]);
    simgrid_load_platform(argv[1]);
    sg_host_t *hosts = sg_host_list();
    if (sg_host_count() * (size_t)per_host < (size_t)actors) fail("too few hosts", argv[1]);
    for (int actor = 0; actor < actors; actor++) {
        char name[32], host[32];
        snprintf(name, sizeof name, "%d", actor);
        snprintf(host, sizeof host, "node-%d", actor / per_host);
        const char *arguments[] = {"worker", name};
        sg_actor_create_(name, sg_host_by_name(host), worker, 2, arguments);
    }
    free(hosts);
    simgrid_run();
    printf(
        "{\"workers\": %d, \"actors\": %d, \"per_host\": %d, \"seconds\": %.9g, \"computing\": %.9g, \"waiting\": %.9g",
        workers, actors, per_host, simgrid_get_clock(), computing, longest_total);
    for (int stream = 0; stream < STREAMS; stream++)
        printf(", \"waiting_%s\": %.9g", stream_names[stream], longest_wait[stream]);
    printf("}\n");
    free(events);
    return 0;
}
