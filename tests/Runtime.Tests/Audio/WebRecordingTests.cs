using Handwritten.Runtime.Audio;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>Recordings at addresses: read into memory, within limits, from a server that does as it pleases.</summary>
public sealed class WebRecordingTests : IDisposable
{
    private static readonly byte[] Recording = File.ReadAllBytes(TestData.Path("audio", "01-en.wav"));

    private readonly SmallServer _server;
    private Func<WebRequest, WebAnswer> _answer = _ => new WebAnswer(200, Recording);

    public WebRecordingTests() => _server = new SmallServer(request => _answer(request));

    public void Dispose() => _server.Dispose();

    [Fact]
    public void A_recording_is_heard_as_from_a_file()
    {
        AudioClip clip = Load("/talk.wav?key=secret", new WebHeader("X-Key", "1"), new WebHeader("Authorization", "Bearer 2"));
        Assert.Equal(AudioFile.Load(TestData.Path("audio", "01-en.wav")).Samples, clip.Samples);
        Assert.Equal($"'{_server.Address}/talk.wav'", clip.Source.Name);
        WebRequest request = Assert.Single(_server.Requests);
        Assert.Equal(("/talk.wav?key=secret", "1", "Bearer 2"), (request.Path, request.Headers["X-Key"], request.Headers["Authorization"]));
    }

    [Fact]
    public void Compressed_formats_are_read_as_well()
    {
        _answer = _ => new WebAnswer(200, File.ReadAllBytes(TestData.Path("audio", "formats.mp3")));
        Assert.Equal("mp3", Load("/talk").Source.Codec);
    }

    [Fact]
    public void Headers_are_not_shown_to_the_server_that_is_redirected_to()
    {
        using SmallServer other = new(_ => new WebAnswer(200, Recording));
        _answer = request => request.Path == "/a" ? new WebAnswer(302, [], ["Location: /b"]) : new WebAnswer(307, [], [$"Location: {other.Address}/c"]);
        Load("/a", new WebHeader("Authorization", "Bearer 2"));
        Assert.Equal(["/a", "/b"], _server.Requests.Select(request => request.Path));
        Assert.All(_server.Requests, request => Assert.Equal("Bearer 2", request.Headers["Authorization"]));
        Assert.False(Assert.Single(other.Requests).Headers.ContainsKey("Authorization"));
    }

    [Theory]
    [InlineData(401, "the server answers 401 Unauthorized, so it may want a header such as 'Authorization: Bearer ...'.")]
    [InlineData(403, "the server answers 403 Forbidden, so it may want a header")]
    [InlineData(404, "the server answers 404 NotFound, so check the address.")]
    [InlineData(503, "the server answers 503 ServiceUnavailable, so try again later.")]
    public void A_refusal_is_explained(int status, string sentence)
    {
        _answer = _ => new WebAnswer(status, []);
        Fails(sentence);
    }

    [Fact]
    public void A_recording_that_says_it_is_too_large_is_not_begun()
    {
        _answer = _ => new WebAnswer(200, Recording, ["Content-Length: 5000000000"]);
        Fails("is larger than 0.1 MB");
    }

    [Fact]
    public void A_recording_that_does_not_say_that_it_is_too_large_is_not_finished()
    {
        // Chunks without an end: the same one again and again.
        byte[] chunk = [.. "8000\r\n"u8, .. new byte[0x8000], .. "\r\n"u8];
        _answer = _ => new WebAnswer(200, [.. Enumerable.Repeat(chunk, 1000).SelectMany(bytes => bytes)], ["Transfer-Encoding: chunked"]);
        Fails("is larger than 0.1 MB");
    }

    [Fact]
    public void A_slow_server_is_left_after_a_while()
    {
        _answer = _ => new WebAnswer(200, Recording, Pause: TimeSpan.FromSeconds(5));
        Fails("takes longer than 0.3 seconds", time: TimeSpan.FromSeconds(0.3));
    }

    [Fact]
    public void A_cut_connection_is_told()
    {
        _answer = _ => new WebAnswer(200, Recording, CutAfter: 1000);
        Fails("cannot be downloaded");
    }

    [Fact]
    public void What_is_no_recording_is_refused_as_from_a_file()
    {
        _answer = _ => new WebAnswer(200, []);
        Fails("is empty");
        _answer = _ => new WebAnswer(200, "<html>Not here.</html>"u8.ToArray());
        Fails("is no audio file that ffmpeg can read");
    }

    [Fact]
    public void A_circle_of_redirections_is_left()
    {
        _answer = request => new WebAnswer(302, [], [$"Location: {request.Path}"]);
        Fails("is redirected in a circle");
    }

    [Fact]
    public void Files_of_this_machine_are_not_redirected_to()
    {
        _answer = _ => new WebAnswer(302, [], ["Location: file:///etc/passwd"]);
        Fails("is redirected to 'file'");
    }

    [Theory]
    [InlineData("https://example.org/a/talk%201.mp3?key=1#x", "talk 1.mp3")]
    [InlineData("http://example.org/a/", "a")]
    [InlineData("HTTP://example.org", "example.org")]
    public void An_address_has_a_file_name(string address, string name) => Assert.Equal(name, WebRecording.FileName(address));

    [Theory]
    [InlineData("talk.wav")]
    [InlineData("C:\\talk.wav")]
    [InlineData("file:///talk.wav")]
    [InlineData("httpx://talk.wav")]
    [InlineData("http:")]
    public void Other_names_are_no_addresses(string name) => Assert.False(WebRecording.IsAddress(name));

    [Theory]
    [InlineData("Authorization: Bearer a:b ", "Authorization", "Bearer a:b")]
    [InlineData("X-Empty:", "X-Empty", "")]
    public void A_header_is_a_name_and_a_value(string text, string name, string value) => Assert.Equal(new WebHeader(name, value), WebHeader.Parse(text));

    [Theory]
    [InlineData("Authorization")]
    [InlineData(": value")]
    [InlineData("Two words: value")]
    [InlineData("X: one\r\nY: two")]
    [InlineData("X: one\nY: two")]
    [InlineData("X: one\u0001")]
    [InlineData("X: Müller")]
    public void What_is_no_header_is_none(string text) => Assert.Null(WebHeader.Parse(text));

    [Theory]
    [InlineData("X-A", "a\r\nX-B: b")]
    [InlineData("X-A\r\nX-B", "b")]
    [InlineData("Content-Length", "4")]
    public void A_header_that_would_be_more_than_one_is_never_sent(string name, string value)
    {
        AudioException failure = Assert.Throws<AudioException>(() => Load("/a", new WebHeader(name, value)));
        Assert.Contains("cannot be sent", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    private AudioClip Load(string path, params WebHeader[] headers) => WebRecording.Load(_server.Address + path, headers, WebLimits.Default, Ffmpeg.OnPath);

    private void Fails(string sentence, TimeSpan? time = null)
    {
        AudioException exception = Assert.Throws<AudioException>(() =>
            WebRecording.Load($"{_server.Address}/talk.wav?key=secret", [], new WebLimits(100_000, time ?? TimeSpan.FromSeconds(30)), Ffmpeg.OnPath));
        Assert.StartsWith($"'{_server.Address}/talk.wav' ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(sentence, exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", exception.Message, StringComparison.Ordinal);
    }
}
