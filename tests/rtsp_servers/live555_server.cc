// Serves clips by RTSP on a port of 127.0.0.1, in real time, to each client from the start.
//
//   live555-server PORT DIGEST|- NAME=FILE.mkv...
//
// Each is at /NAME; with DIGEST, joe:hush has to be known. Prints the port once it listens, and ends
// if it cannot. Built by tests/rtsp_servers/fetch-live555.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <arpa/inet.h>

#include <BasicUsageEnvironment.hh>
#include <GroupsockHelper.hh>
#include <liveMedia.hh>

// A file is looked into in the event loop; the session is offered once its tracks are known.
struct Clip {
	RTSPServer *server;
	std::string name, path;
	EventLoopWatchVariable is_there;
};

static void opened(MatroskaFileServerDemux *demux, void *data)
{
	Clip *clip = static_cast<Clip *>(data);
	UsageEnvironment &env = clip->server->envir();
	ServerMediaSession *session = ServerMediaSession::createNew(env, clip->name.c_str());
	while (ServerMediaSubsession *track = demux->newServerMediaSubsession())
		session->addSubsession(track);
	clip->server->addServerMediaSession(session);
	clip->is_there = 1;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	// A key picture is larger than the library's buffer for one.
	OutPacketBuffer::maxSize = 1000000;
	ReceivingInterfaceAddr = SendingInterfaceAddr = inet_addr("127.0.0.1");
	UsageEnvironment *env = BasicUsageEnvironment::createNew(*BasicTaskScheduler::createNew());
	UserAuthenticationDatabase *users = nullptr;
	if (std::string(argv[2]) == "DIGEST") {
		users = new UserAuthenticationDatabase;
		users->addUserRecord("joe", "hush");
	}
	Port port(atoi(argv[1]));
	RTSPServer *server = RTSPServer::createNew(*env, port, users);
	if (server == nullptr) {
		fprintf(stderr, "%s\n", env->getResultMsg());
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		std::string argument = argv[i];
		size_t at = argument.find('=');
		Clip *clip = new Clip{server, argument.substr(0, at), argument.substr(at + 1), {}};
		MatroskaFileServerDemux::createNew(*env, clip->path.c_str(), opened, clip);
		env->taskScheduler().doEventLoop(&clip->is_there);
	}
	printf("%s\n", argv[1]);
	fflush(stdout);
	env->taskScheduler().doEventLoop();
}
