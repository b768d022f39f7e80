using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>A hub whose every word the test says itself, at both doors of a real hub.</summary>
internal sealed class ScriptedHub : IAsyncDisposable
{
    /// <summary>Only a failing test ever waits as long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<HubConversation> _webSockets = Channel.CreateUnbounded<HubConversation>();
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _answers = new();
    private readonly List<HubConversation> _conversations = [];
    private readonly bool _web;
    private WebApplication? _app;

    private ScriptedHub(bool web)
    {
        _web = web;
    }

    public Uri Address => _web
        ? new Uri(_app!.Urls.First().Replace("http://", "ws://", StringComparison.Ordinal))
        : new Uri($"tcp://{_listener.LocalEndpoint}");

    public Uri HttpAddress => new(_app!.Urls.First() + "/");

    /// <summary>The HTTP requests that came, as method, path, the session header and body.</summary>
    public Channel<(string Line, string? Session, string Body)> Requests { get; } =
        Channel.CreateUnbounded<(string Line, string? Session, string Body)>();

    public static TheoryData<string> Sockets => ["tcp", "ws"];

    public static async Task<ScriptedHub> OverAsync(string socket) => socket == "tcp" ? OverTcp() : await OverWebAsync();

    public static ScriptedHub OverTcp()
    {
        var hub = new ScriptedHub(web: false);
        hub._listener.Start();
        return hub;
    }

    public static async Task<ScriptedHub> OverWebAsync()
    {
        var hub = new ScriptedHub(web: true);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        _ = builder.Logging.ClearProviders();
        _ = builder.WebHost.UseKestrel().UseUrls("http://127.0.0.1:0");
        hub._app = builder.Build();
        _ = hub._app.UseWebSockets();
        hub._app.Run(hub.HandleAsync);
        await hub._app.StartAsync();
        return hub;
    }

    /// <summary>What the next HTTP request is answered with.</summary>
    public void Answer(int status, string json, string type = "application/json", string? retryAfter = null) => _answers.Enqueue(context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        if (retryAfter is not null)
        {
            context.Response.Headers.RetryAfter = retryAfter;
        }
        return context.Response.WriteAsync(json);
    });

    public async Task<HubConversation> AcceptAsync()
    {
        HubConversation conversation = _web
            ? await _webSockets.Reader.ReadAsync().AsTask().WaitAsync(Patience)
            : new TcpConversation(await _listener.AcceptSocketAsync().WaitAsync(Patience));
        _conversations.Add(conversation);
        return conversation;
    }

    public async Task<HubConversation> AcceptTlsAsync(X509Certificate2 certificate)
    {
        Socket socket = await _listener.AcceptSocketAsync().WaitAsync(Patience);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsServerAsync(certificate).WaitAsync(Patience);
        var conversation = new TcpConversation(socket, tls);
        _conversations.Add(conversation);
        return conversation;
    }

    /// <summary>Accepts, welcomes and registers a miner.</summary>
    public async Task<HubConversation> EnrolAsync(string token = "token-1", int nextHeartbeatSec = 15)
    {
        HubConversation conversation = await AcceptAsync();
        _ = await conversation.ExpectAsync<Hello>();
        await conversation.SendAsync(new Welcome(1, [], token, 1, 60, nextHeartbeatSec, Resumed: false));
        _ = await conversation.ExpectAsync<Register>();
        await conversation.SendAsync(new Registered(60, nextHeartbeatSec));
        return conversation;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HubConversation conversation in _conversations)
        {
            await conversation.DisposeAsync();
        }
        _listener.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    private async Task HandleAsync(HttpContext context)
    {
        if (context.WebSockets.IsWebSocketRequest)
        {
            Assert.Equal("/v1/miners/heartbeat", context.Request.Path);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            var conversation = new WebSocketConversation(socket);
            _ = _webSockets.Writer.TryWrite(conversation);
            await conversation.Ended.Task;
            return;
        }
        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync();
        _ = Requests.Writer.TryWrite((
            $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}",
            context.Request.Headers["X-PoolHub-Session"].FirstOrDefault(),
            body));
        if (_answers.TryDequeue(out Func<HttpContext, Task>? answer))
        {
            await answer(context);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status418ImATeapot;
        }
    }
}
