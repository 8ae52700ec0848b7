// A Wayland server, with libwayland-server, for the one client at descriptor 3. It
// prints what the client asks for, and what is in the files that it is sent. Its
// keymap is the file that is its argument.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <wayland-server.h>

static const char *keymap_path;

static void destroy(struct wl_client *c, struct wl_resource *r)
{
	printf("destroy %s\n", wl_resource_get_class(r));
	wl_resource_destroy(r);
}

static const struct wl_buffer_interface buffer_implementation = { destroy };

static void create_buffer(struct wl_client *c, struct wl_resource *pool, uint32_t id, int32_t offset,
	int32_t width, int32_t height, int32_t stride, uint32_t format)
{
	struct wl_resource *r = wl_resource_create(c, &wl_buffer_interface, 1, id);
	wl_resource_set_implementation(r, &buffer_implementation, NULL, NULL);
	printf("create_buffer %d %d %d %d\n", offset, width, height, stride);
}

static void resize(struct wl_client *c, struct wl_resource *pool, int32_t size) {}

static const struct wl_shm_pool_interface pool_implementation = { create_buffer, destroy, resize };

static void create_pool(struct wl_client *c, struct wl_resource *shm, uint32_t id, int32_t fd, int32_t size)
{
	char text[100];
	struct wl_resource *r = wl_resource_create(c, &wl_shm_pool_interface, 1, id);
	ssize_t n = read(fd, text, sizeof text);
	wl_resource_set_implementation(r, &pool_implementation, NULL, NULL);
	printf("create_pool %d: %.*s", size, (int)n, text);
	close(fd);
}

static const struct wl_shm_interface shm_implementation = { create_pool };

static void bind_shm(struct wl_client *c, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(c, &wl_shm_interface, version, id);
	wl_resource_set_implementation(r, &shm_implementation, NULL, NULL);
	wl_shm_send_format(r, WL_SHM_FORMAT_XRGB8888);
}

static void get_keyboard(struct wl_client *c, struct wl_resource *seat, uint32_t id)
{
	int fd = open(keymap_path, O_RDONLY);
	struct wl_resource *r = wl_resource_create(c, &wl_keyboard_interface, wl_resource_get_version(seat), id);
	wl_resource_set_implementation(r, NULL, NULL, NULL);
	wl_keyboard_send_keymap(r, WL_KEYBOARD_KEYMAP_FORMAT_NO_KEYMAP, fd, 9);
	wl_keyboard_send_repeat_info(r, 25, 600);
	close(fd); // libwayland has a duplicate
}

static void get_nothing(struct wl_client *c, struct wl_resource *seat, uint32_t id) {}

static const struct wl_seat_interface seat_implementation = { get_nothing, get_keyboard, get_nothing, destroy };

static void bind_seat(struct wl_client *c, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(c, &wl_seat_interface, version, id);
	wl_resource_set_implementation(r, &seat_implementation, NULL, NULL);
	wl_seat_send_capabilities(r, WL_SEAT_CAPABILITY_KEYBOARD);
}

static struct wl_display *display;

static void gone(struct wl_listener *l, void *client) { wl_display_terminate(display); }

static struct wl_listener listener = { .notify = gone };

int main(int argc, char **argv)
{
	keymap_path = argv[1];
	display = wl_display_create();
	wl_global_create(display, &wl_shm_interface, 1, NULL, bind_shm);
	wl_global_create(display, &wl_seat_interface, 4, NULL, bind_seat);
	struct wl_client *c = wl_client_create(display, 3);
	if (!c)
		return perror("wl_client_create"), 1;
	wl_client_add_destroy_listener(c, &listener);
	wl_display_run(display);
	wl_display_destroy(display);
	return 0;
}
