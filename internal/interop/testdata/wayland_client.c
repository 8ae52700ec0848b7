// A Wayland client, with libwayland-client, on the connection that WAYLAND_SOCKET
// names. It makes two pools of the files that are its arguments, a buffer in each,
// and a keyboard, all in one flush, and prints the keymap that it is sent.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

static struct wl_shm *shm;
static struct wl_seat *seat;

static void global(void *data, struct wl_registry *r, uint32_t name, const char *interface, uint32_t version)
{
	if (strcmp(interface, "wl_shm") == 0)
		shm = wl_registry_bind(r, name, &wl_shm_interface, 1);
	if (strcmp(interface, "wl_seat") == 0)
		seat = wl_registry_bind(r, name, &wl_seat_interface, 4);
}

static void global_remove(void *data, struct wl_registry *r, uint32_t name) {}

static const struct wl_registry_listener registry_listener = { global, global_remove };

static void keymap(void *data, struct wl_keyboard *k, uint32_t format, int fd, uint32_t size)
{
	char text[100];
	ssize_t n = read(fd, text, sizeof text);
	printf("keymap %u: %.*s", size, (int)n, text);
	close(fd);
}

static void enter(void *data, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s, struct wl_array *keys) {}
static void leave(void *data, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s) {}
static void key(void *data, struct wl_keyboard *k, uint32_t serial, uint32_t time, uint32_t key, uint32_t state) {}
static void modifiers(void *data, struct wl_keyboard *k, uint32_t serial, uint32_t depressed, uint32_t latched,
	uint32_t locked, uint32_t group) { printf("modifiers %u\n", depressed); }
static void repeat(void *data, struct wl_keyboard *k, int32_t rate, int32_t delay) {}

static const struct wl_keyboard_listener keyboard_listener = { keymap, enter, leave, key, modifiers, repeat };

static void pool(const char *path, int size)
{
	int fd = open(path, O_RDONLY);
	struct wl_shm_pool *p = wl_shm_create_pool(shm, fd, size);
	struct wl_buffer *b = wl_shm_pool_create_buffer(p, 0, 1, 1, 4, WL_SHM_FORMAT_XRGB8888);
	close(fd); // libwayland has a duplicate
	wl_buffer_destroy(b);
	wl_shm_pool_destroy(p);
}

int main(int argc, char **argv)
{
	struct wl_display *d = wl_display_connect(NULL);
	if (!d)
		return perror("wl_display_connect"), 1;
	wl_registry_add_listener(wl_display_get_registry(d), &registry_listener, NULL);
	if (wl_display_roundtrip(d) < 0 || !shm || !seat)
		return fprintf(stderr, "no wl_shm or no wl_seat\n"), 1;
	pool(argv[1], 7);
	pool(argv[2], 8);
	wl_keyboard_add_listener(wl_seat_get_keyboard(seat), &keyboard_listener, NULL);
	if (wl_display_roundtrip(d) < 0)
		return perror("wl_display_roundtrip"), 1;
	wl_display_disconnect(d);
	return 0;
}
