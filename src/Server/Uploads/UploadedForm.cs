using Handwritten.Server.Errors;
using Handwritten.Server.Requests;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Handwritten.Server.Uploads;

/// <summary>
/// A form with a recording. The recording goes straight to a file, since ffmpeg must jump about in some formats; so a
/// request holds a few kilobytes of memory, however large it is. The file goes with the form.
/// </summary>
internal sealed class UploadedForm : IDisposable
{
    private const int MostFields = 200, MostBoundaryLength = 200;

    private readonly List<KeyValuePair<string, string>> _fields = [];
    private FileStream? _file;

    private UploadedForm()
    {
    }

    /// <summary>The fields but for the file.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Fields => _fields;

    /// <summary>Where the recording is.</summary>
    public string RecordingPath => _file!.Name;

    /// <summary>What the client calls it.</summary>
    public string RecordingName { get; private set; } = "";

    /// <summary>Reads a request's body.</summary>
    /// <param name="request">The request.</param>
    /// <param name="scratch">Where recordings go.</param>
    /// <param name="cancellation">The client left.</param>
    /// <exception cref="ApiException">It is no form, or one without a recording.</exception>
    public static async Task<UploadedForm> ReadAsync(HttpRequest request, Scratch scratch, CancellationToken cancellation)
    {
        UploadedForm form = new();
        try
        {
            MultipartReader reader = new(BoundaryOf(request), request.Body);
            while (await reader.ReadNextSectionAsync(cancellation) is { } section)
            {
                await form.TakeAsync(section, scratch, cancellation);
            }

            return form._file switch
            {
                null => throw ApiException.BadField("file", "There is no recording: send it as the field 'file'.", "missing_file"),
                { Length: 0 } => throw ApiException.BadField("file", "The recording is empty: it has 0 bytes.", "empty_file"),
                _ => form,
            };
        }
        catch (Exception failure) when (failure is InvalidDataException or (IOException and not BadHttpRequestException) && !cancellation.IsCancellationRequested)
        {
            form.Dispose();
            throw new ApiException(StatusCodes.Status400BadRequest, "The form is malformed or cut off.", code: "malformed_form", innerException: failure);
        }
        catch
        {
            form.Dispose();
            throw;
        }
    }

    /// <summary>Hands the recording over to somebody who keeps it longer than the form.</summary>
    public FileStream TakeRecording()
    {
        FileStream file = _file!;
        _file = null;
        return file;
    }

    public void Dispose() => _file?.Dispose();

    private static string BoundaryOf(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "The body must be a form (multipart/form-data) with the recording as the field 'file'.", code: "unsupported_media_type");
        }

        string boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        return boundary.Length is > 0 and <= MostBoundaryLength
            ? boundary
            : throw new ApiException(StatusCodes.Status400BadRequest, "The form's boundary is missing or too long.", code: "malformed_form");
    }

    private async Task TakeAsync(MultipartSection section, Scratch scratch, CancellationToken cancellation)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition) || !disposition.Name.HasValue)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "A part of the form has no name.", code: "malformed_form");
        }

        string name = HeaderUtilities.RemoveQuotes(disposition.Name).ToString();
        if (name == "file")
        {
            if (_file is not null)
            {
                throw ApiException.BadField("file", "There are several recordings: send one in each request.");
            }

            RecordingName = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).ToString();
            _file = scratch.CreateFile();
            byte[] buffer = new byte[1 << 16];
            while (await section.Body.ReadAsync(buffer, cancellation) is int count and > 0)
            {
                await Scratch.WriteAsync(_file, buffer.AsMemory(0, count), cancellation);
            }

            return;
        }

        if (_fields.Count == MostFields)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, $"The form has more than {MostFields} fields.", code: "malformed_form");
        }

        _fields.Add(new(name, await ReadTextAsync(section.Body, name, cancellation)));
    }

    private static async Task<string> ReadTextAsync(Stream body, string name, CancellationToken cancellation)
    {
        byte[] bytes = new byte[RequestFields.MostBytes + 1];
        int count = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        return count <= RequestFields.MostBytes
            ? System.Text.Encoding.UTF8.GetString(bytes, 0, count)
            : throw ApiException.BadField(name, $"The field has more than {RequestFields.MostBytes} bytes.");
    }
}
