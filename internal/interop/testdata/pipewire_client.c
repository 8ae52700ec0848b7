// Two clients of PipeWire in one program, each on a connection of its own. "source"
// allocates buffers, with a number in each, and sends their descriptors to the server,
// which sends them to "sink". The number also goes another way, by memory that the
// server allocates. The program ends when so many buffers as its argument says have
// gone from the source to the sink, and fails if the sink finds another number.
#define _GNU_SOURCE
#include <pipewire/pipewire.h>
#include <spa/param/buffers.h>
#include <spa/param/format.h>
#include <spa/pod/builder.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 4096 };

static struct pw_main_loop *loop;
static struct pw_stream *source, *sink;
static int wanted;

static void fail(const char *what)
{
	fprintf(stderr, "failed: %s\n", what);
	_exit(1);
}

// Whoever has lost its connection does not wait for what will never come.
static void state(void *stream, enum pw_stream_state old, enum pw_stream_state now, const char *error)
{
	if (wanted > 0 && (now == PW_STREAM_STATE_ERROR || now == PW_STREAM_STATE_UNCONNECTED))
		fail(error ? error : "a stream without a connection");
}

static void format(void *stream, uint32_t id, const struct spa_pod *param)
{
	uint8_t room[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, sizeof room);
	const struct spa_pod *buffers;

	if (id != SPA_PARAM_Format || !param)
		return;
	buffers = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers,
		SPA_PARAM_BUFFERS_buffers, SPA_POD_Int(4),
		SPA_PARAM_BUFFERS_blocks, SPA_POD_Int(1),
		SPA_PARAM_BUFFERS_size, SPA_POD_Int(SIZE),
		SPA_PARAM_BUFFERS_stride, SPA_POD_Int(1),
		SPA_PARAM_BUFFERS_dataType, SPA_POD_CHOICE_FLAGS_Int(1 << SPA_DATA_MemFd));
	pw_stream_update_params(*(struct pw_stream **)stream, &buffers, 1);
}

static void allocate(void *stream, struct pw_buffer *buffer)
{
	static int number;
	struct spa_data *d = buffer->buffer->datas;

	d->type = SPA_DATA_MemFd;
	d->flags = SPA_DATA_FLAG_READWRITE;
	d->mapoffset = 0;
	d->maxsize = SIZE;
	d->fd = memfd_create("source", MFD_CLOEXEC);
	if (d->fd < 0 || ftruncate(d->fd, SIZE) < 0)
		fail("memfd_create");
	d->data = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	if (d->data == MAP_FAILED)
		fail("mmap");
	*(int *)d->data = ++number;
}

static void release(void *stream, struct pw_buffer *buffer)
{
	struct spa_data *d = buffer->buffer->datas;

	munmap(d->data, SIZE);
	close(d->fd);
}

static void fill(void *stream)
{
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(source);
	struct spa_data *d;

	if (!buffer)
		return;
	d = buffer->buffer->datas;
	d->chunk->offset = 0;
	d->chunk->size = SIZE;
	d->chunk->stride = *(int *)d->data;
	pw_stream_queue_buffer(source, buffer);
}

static void empty(void *stream)
{
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(sink);
	struct spa_data *d;

	if (!buffer)
		return;
	d = buffer->buffer->datas;
	if (!d->data || *(int *)d->data == 0 || *(int *)d->data != d->chunk->stride)
		fail("the sink has another buffer");
	pw_stream_queue_buffer(sink, buffer);
	if (--wanted == 0)
		pw_main_loop_quit(loop);
}

static const struct pw_stream_events source_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = state, .param_changed = format,
	.add_buffer = allocate, .remove_buffer = release, .process = fill,
};

static const struct pw_stream_events sink_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = state, .param_changed = format, .process = empty,
};

static void connect_stream(struct pw_stream **stream, const char *name, const struct pw_stream_events *events,
	enum pw_direction direction, enum pw_stream_flags flags)
{
	uint8_t room[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, sizeof room);
	const struct spa_pod *bytes = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat,
		SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_binary),
		SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_START_Binary));

	*stream = pw_stream_new_simple(pw_main_loop_get_loop(loop), name,
		pw_properties_new(PW_KEY_NODE_NAME, name, PW_KEY_NODE_WANT_DRIVER, "true", NULL), events, stream);
	if (!*stream || pw_stream_connect(*stream, direction, PW_ID_ANY, flags, &bytes, 1) < 0)
		fail(name);
}

int main(int argc, char **argv)
{
	wanted = atoi(argv[1]);
	pw_init(NULL, NULL);
	loop = pw_main_loop_new(NULL);
	connect_stream(&source, "source", &source_events, PW_DIRECTION_OUTPUT, PW_STREAM_FLAG_ALLOC_BUFFERS);
	connect_stream(&sink, "sink", &sink_events, PW_DIRECTION_INPUT, PW_STREAM_FLAG_MAP_BUFFERS);
	pw_main_loop_run(loop);
	pw_stream_destroy(source);
	pw_stream_destroy(sink);
	pw_main_loop_destroy(loop);
	pw_deinit();
	return 0;
}
