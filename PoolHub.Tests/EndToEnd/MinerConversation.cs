using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.EndToEnd;

/// <summary>A miner at the real hub, whose every word the test says itself.</summary>
internal static class MinerConversation
{
    public static async Task<HubConversation> OverTcpAsync(HubProcess hub)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, hub.TcpPort);
        return new TcpConversation(socket);
    }

    public static async Task<HubConversation> OverWebSocketAsync(HubProcess hub)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri(hub.MinerAddress("ws"), "v1/miners/heartbeat"), TestContext.Current.CancellationToken);
        return new WebSocketConversation(socket);
    }

    extension(HubConversation conversation)
    {
        /// <summary>Begins a session and registers; gives the session token.</summary>
        public async Task<string> GreetAsync(string minerId, string key)
        {
            await conversation.SendAsync(new Hello(1, [], minerId, key, null));
            Welcome welcome = await conversation.ExpectAsync<Welcome>();
            Assert.False(welcome.Resumed);
            await conversation.SendAsync(new Register(Samples.Profile()));
            _ = await conversation.ExpectAsync<Registered>();
            return welcome.SessionToken;
        }

        /// <summary>Goes on with a session.</summary>
        public async Task<Welcome> ResumeAsync(string minerId, string token)
        {
            await conversation.SendAsync(new Hello(1, [], minerId, null, token));
            return await conversation.ExpectAsync<Welcome>();
        }
    }
}
