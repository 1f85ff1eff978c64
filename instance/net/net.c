/* Start, stop and settings of the network side. */
#include "instance/net/net.h"

#include "instance/base/say.h"
#include "instance/net/conn.h"
#include "instance/net/hooks.h"
#include "instance/net/listener.h"

static struct net_listener *public_listener;
static struct net_listener *control_listener;

struct net_hooks net_hooks;

int net_init(void)
{
	return net_dispatch_init();
}

void net_fini(void)
{
	listener_close(TAKE_PTR(public_listener));
	listener_close(TAKE_PTR(control_listener));
	conn_close_all();
	net_dispatch_fini();
	net_chunk_pool_free();
	net_out_pool_free();
}

int net_set_listen(const char *uri)
{
	if (uri == NULL) {
		if (public_listener != NULL)
			say_info("binary: stopped");
		listener_close(TAKE_PTR(public_listener));
		return 0;
	}
	if (public_listener != NULL && listener_is_at(public_listener, uri))
		return 0;
	struct net_listener *l = listener_open(uri, CONN_IPROTO, "binary");
	if (l == NULL)
		return -1;
	listener_close(public_listener);
	public_listener = l;
	return 0;
}

const char *net_listen_address(void)
{
	return public_listener != NULL ? public_listener->address : NULL;
}

int net_control_listen(const char *path, mode_t mode, gid_t group)
{
	struct net_listener *l =
		listener_open_unix(path, CONN_CONTROL, "control", mode, group);
	if (l == NULL)
		return -1;
	listener_close(control_listener);
	control_listener = l;
	return 0;
}

struct net_listener *net_console_listen(const char *uri)
{
	return listener_open(uri, CONN_TEXT, "console");
}

const char *net_console_address(const struct net_listener *l)
{
	return l->address;
}

void net_console_close(struct net_listener *l)
{
	listener_close(l);
}

int net_set_msg_max(int count)
{
	if (count < NET_MSG_MAX_MIN) {
		diag_set_client(ER_CFG, "net_msg_max", "minimal value is 2");
		return -1;
	}
	net_msg_max = (uint32_t)count;
	net_unstall();
	return 0;
}

int net_set_readahead(size_t size)
{
	if (size < 128 || size > UINT32_MAX / 2) {
		diag_set_client(ER_CFG, "readahead", "specified value is out of bounds");
		return -1;
	}
	net_readahead = size;
	net_chunk_pool_free();
	return 0;
}
