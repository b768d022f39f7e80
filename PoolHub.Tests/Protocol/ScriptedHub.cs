using System.Buffers;
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

    public Uri Address => _web ? new Uri(_app!.Urls.First().Replace("http://", "ws://", StringComparison.Ordinal)) : new Uri($"tcp://{_listener.LocalEndpoint}");

    public Uri HttpAddress => new(_app!.Urls.First() + "/");

    /// <summary>The HTTP requests that came, as method, path, the session header and body.</summary>
    public Channel<(string Line, string? Session, string Body)> Requests { get; } =
        Channel.CreateUnbounded<(string Line, string? Session, string Body)>();

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

/// <summary>The hub's side of one conversation.</summary>
internal abstract class HubConversation : IAsyncDisposable
{
    public Task SendAsync<T>(T message)
        where T : struct, IMessage<T> => SendBodyAsync(Frame.Encode(message).ToArray());

    /// <summary>The next message, which must be of this type.</summary>
    public async Task<T> ExpectAsync<T>()
        where T : struct, IMessage<T>
    {
        byte[] body = await ReceiveBodyAsync().WaitAsync(ScriptedHub.Patience);
        Assert.NotEmpty(body);
        (object? message, string? field, string? problem) = AnyMessage.Read(body);
        Assert.True(problem is null, $"{field} {problem}");
        return Assert.IsType<T>(message);
    }

    /// <summary>The miner must have closed without another word.</summary>
    public async Task ExpectEndAsync() => Assert.Empty(await ReceiveBodyAsync().WaitAsync(ScriptedHub.Patience));

    /// <summary>Returns when the miner has dealt with everything that was sent before.</summary>
    public async Task SettleAsync()
    {
        await SendAsync(new Ping(424242));
        Assert.Equal(424242, (await ExpectAsync<Pong>()).Nonce);
    }

    public abstract Task SendBodyAsync(byte[] body);

    /// <summary>Breaks the connection.</summary>
    public abstract void Break();

    public abstract ValueTask DisposeAsync();

    /// <summary>Empty at the end of the stream.</summary>
    protected abstract Task<byte[]> ReceiveBodyAsync();
}

internal sealed class TcpConversation(Socket socket, Stream? tls = null) : HubConversation
{
    private readonly Stream _stream = tls ?? new NetworkStream(socket, ownsSocket: true);

    public override async Task SendBodyAsync(byte[] body)
    {
        var frame = new ArrayBufferWriter<byte>();
        Frame.WriteBody(frame, body);
        await _stream.WriteAsync(frame.WrittenMemory);
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendRawAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    public override void Break() => socket.Close(timeout: 0);

    public override ValueTask DisposeAsync() => _stream.DisposeAsync();

    protected override async Task<byte[]> ReceiveBodyAsync()
    {
        try
        {
            byte[] prefix = new byte[Frame.PrefixBytes];
            if (await _stream.ReadAtLeastAsync(prefix, prefix.Length, throwOnEndOfStream: false) == 0)
            {
                return [];
            }
            byte[] body = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(prefix)];
            await _stream.ReadExactlyAsync(body);
            return body;
        }
        catch (IOException error) when (error.InnerException is SocketException)
        {
            return [];
        }
    }
}

internal sealed class WebSocketConversation(WebSocket socket) : HubConversation
{
    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async Task SendBodyAsync(byte[] body) =>
        await socket.SendAsync(body, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

    /// <summary>Sends a message in the form that this client does not speak.</summary>
    public async Task SendTextAsync(string text) =>
        await socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public override void Break() => socket.Abort();

    public override ValueTask DisposeAsync()
    {
        socket.Abort();
        _ = Ended.TrySetResult();
        return ValueTask.CompletedTask;
    }

    protected override async Task<byte[]> ReceiveBodyAsync()
    {
        byte[] buffer = new byte[Limits.MaxFrameBytes];
        try
        {
            WebSocketReceiveResult result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None);
            Assert.True(result.EndOfMessage);
            if (result.MessageType != WebSocketMessageType.Close)
            {
                return buffer[..result.Count];
            }
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            return [];
        }
        catch (WebSocketException)
        {
            return [];
        }
    }
}
